"""Scheduled jobs of the support desk."""

import samplebench


def close_old_tickets():
    """Daily: close tickets that nobody touched for 90 days."""
    samplebench.db.sql(
        "UPDATE `tabTicket` SET `status` = 'Closed' WHERE `status` = 'Replied'"
        " AND `modified` < NOW() - INTERVAL 90 DAY"
    )
