"""Tables that are no DocType's: sessions, singles, series, passwords, settings, search."""

TAIL = "ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET=utf8mb4 COLLATE=utf8mb4_unicode_ci"

STATEMENTS = (
    "CREATE TABLE IF NOT EXISTS `tabSingles` (`doctype` varchar(255), `field` varchar(255),"
    " `value` longtext, KEY `singles_doctype_field_index` (`doctype`, `field`)) " + TAIL,
    "CREATE TABLE IF NOT EXISTS `tabSeries` (`name` varchar(100) NOT NULL,"
    " `current` int(10) NOT NULL DEFAULT 0, PRIMARY KEY (`name`)) " + TAIL,
    "CREATE TABLE IF NOT EXISTS `tabSessions` (`user` varchar(255), `sid` varchar(255),"
    " `sessiondata` longtext, `ipaddress` varchar(16), `lastupdate` datetime(6),"
    " `status` varchar(20), KEY `sid` (`sid`)) " + TAIL,
    "CREATE TABLE IF NOT EXISTS `__Auth` (`doctype` varchar(140) NOT NULL,"
    " `name` varchar(255) NOT NULL, `fieldname` varchar(140) NOT NULL, `password` text NOT NULL,"
    " `encrypted` int(1) NOT NULL DEFAULT 0, PRIMARY KEY (`doctype`, `name`, `fieldname`)) " + TAIL,
    "CREATE TABLE IF NOT EXISTS `__UserSettings` (`user` varchar(180) NOT NULL,"
    " `doctype` varchar(180) NOT NULL, `data` text, UNIQUE KEY `user` (`user`, `doctype`))"
    " ENGINE=InnoDB",
    "CREATE TABLE IF NOT EXISTS `__global_search` (`doctype` varchar(100), `name` varchar(140),"
    " `title` varchar(140), `content` text, `route` varchar(140),"
    " `published` int(1) NOT NULL DEFAULT 0, UNIQUE KEY `doctype_name` (`doctype`, `name`),"
    " FULLTEXT KEY `content` (`content`)) ENGINE=MyISAM CHARACTER SET=utf8mb4"
    " COLLATE=utf8mb4_unicode_ci",
)
