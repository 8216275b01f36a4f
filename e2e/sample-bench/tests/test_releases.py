"""The usual way fails: a newer image's migrate beside the older image's server.

What goes wrong, and how it looks to a client, is what was measured on Frappe 15.41.
"""

import json
import unittest

from bench_under_test import SITE, Bench
from private_servers import servers

ORDER = "Sales Order"


class OldCodeNewMetadata(unittest.TestCase):
    """v1 serves; another version migrates the same site."""

    def migrated(self, version, check=True, before=None):
        """A serving v1 bench with one order whose site was migrated by a version."""
        name = "_rel_" + version.replace("-", "_")
        old = Bench(servers(), "v1", name)
        self.addCleanup(old.stop)
        old.new_site()
        old.serve()
        old.resource("POST", "Customer", body={"customer_name": "Acme"})
        values = {"customer": "Acme", "legacy_code": "L1", "customer_note": "N1", "ref_no": "17"}
        self.order = old.resource("POST", ORDER, body=values).data
        if before:
            before(old)
        self.new = Bench(servers(), version, name)
        self.addCleanup(self.new.stop)
        self.migration = self.new.migrate(check=check)
        return old

    def post(self, bench, **values):
        """POST an order."""
        return bench.resource("POST", ORDER, body={"customer": "Acme", **values})

    def test_a_new_child_table_makes_every_save_an_import_error(self):
        old = self.migrated("v2")
        name = self.order["name"]
        for answer in (
            self.post(old, title="x"),
            old.resource("PUT", ORDER, name, body={"title": "y"}),
        ):
            self.assertEqual(answer.status, 500)
            self.assertEqual(answer.json["exc_type"], "ImportError")
            self.assertIn("Module import failed for Sales Order Tax", answer.json["exception"])
        self.assertEqual(old.resource("GET", ORDER, name).status, 200)
        self.assertEqual(old.resource("GET", ORDER).status, 200)
        self.assertEqual(old.resource("DELETE", ORDER, name).status, 202)
        self.new.serve()
        made = self.post(self.new, taxes=[{"account": "VAT", "rate": 20}], channel="web")
        self.assertEqual((made.status, made.data["taxes"][0]["account"]), (200, "VAT"))
        self.assertEqual(made.headers["X-Bench-Version"], "v2")
        self.assertEqual(old.resource("GET", ORDER, made.data["name"]).status, 500)

    def test_a_removed_field_is_lost_silently_or_refused(self):
        old = self.migrated("remove")
        query = {"fields": ["name", "legacy_code"]}
        listed = old.resource("GET", ORDER, query=query)
        self.assertEqual((listed.status, listed.json["exc_type"]), (417, "DataError"))
        self.assertNotIn("legacy_code", old.resource("GET", ORDER, self.order["name"]).data)
        made = self.post(old, legacy_code="L2")
        self.assertEqual(made.status, 200)
        stored = old.sql(
            "SELECT legacy_code FROM `tabSales Order` WHERE name = %s", (made.data["name"],)
        )
        self.assertIsNone(stored[0]["legacy_code"], "200, and the value is gone")
        old.resource("PUT", ORDER, self.order["name"], body={"legacy_code": "L3"})
        stored = old.sql(
            "SELECT legacy_code FROM `tabSales Order` WHERE name = %s", (self.order["name"],)
        )
        self.assertEqual(stored[0]["legacy_code"], "L1", "200, and the old value stands")

    def test_a_renamed_field_is_copied_and_lost_for_the_old_code(self):
        old = self.migrated("rename")
        row = old.sql("SELECT customer_note, order_note FROM `tabSales Order`")[0]
        self.assertEqual((row["customer_note"], row["order_note"]), ("N1", "N1"))
        query = {"fields": ["customer_note"]}
        self.assertEqual(old.resource("GET", ORDER, query=query).status, 417)
        self.assertNotIn("customer_note", self.post(old, customer_note="N2").data)
        log = old.sql("SELECT patch FROM `tabPatch Log`")
        self.assertIn("shop.patches.rename_customer_note", [entry["patch"] for entry in log])

    def test_a_renamed_column_is_a_1054_for_frozen_metadata(self):
        old = self.migrated("rename-column")
        columns = [r["Field"] for r in old.sql("SHOW COLUMNS FROM `tabSales Order`")]
        self.assertIn("order_note", columns)
        self.assertNotIn("customer_note", columns)
        self.assertEqual(self.post(old, customer_note="lost").status, 200)
        # The cache as it was before the migrate: what blue sees between the DDL and the clearing.
        old.sql("UPDATE tabDocField SET fieldname = 'customer_note' WHERE fieldname = 'order_note'")
        old.run("--site", SITE, "clear-cache")
        for answer in (self.post(old), old.resource("PUT", ORDER, self.order["name"], body={})):
            self.assertEqual(answer.status, 500)
            self.assertIn("1054", answer.json["exception"])

    def test_a_new_mandatory_field_refuses_every_save(self):
        old = self.migrated("mandatory")
        for answer in (
            self.post(old, title="x"),
            old.resource("PUT", ORDER, self.order["name"], body={"title": "y"}),
        ):
            self.assertEqual((answer.status, answer.json["exc_type"]), (417, "MandatoryError"))

    def test_a_type_change_with_an_empty_text_leaves_the_site_half_migrated(self):
        def empty(old):
            old.sql("UPDATE `tabSales Order` SET ref_no = ''")

        old = self.migrated("retype", check=False, before=empty)
        self.assertNotEqual(self.migration.returncode, 0)
        self.assertIn("1292", self.migration.stderr)
        field = old.sql("SELECT fieldtype FROM tabDocField WHERE fieldname = 'ref_no'")
        self.assertEqual(field[0]["fieldtype"], "Int", "the row was committed by the DDL")
        column = old.sql("SHOW COLUMNS FROM `tabSales Order` LIKE 'ref_no'")
        self.assertEqual(column[0]["Type"], "varchar(140)")

    def test_a_type_change_that_fits(self):
        old = self.migrated("retype")
        self.assertEqual(old.resource("GET", ORDER, self.order["name"]).data["ref_no"], 17)

    def test_duplicates_stop_a_unique_field(self):
        def twice(old):
            old.sql("UPDATE `tabSales Order` SET external_id = 'same'")
            self.post(old, external_id="same")

        self.migrated("unique", check=False, before=twice)
        self.assertIn("non-unique existing values", self.migration.stderr)

    def test_a_removed_doctype_is_a_404_and_its_table_stays(self):
        old = self.migrated("doctype-remove")
        self.assertIn("Removing orphaned DocType Shop Tag", self.migration.stdout)
        answer = old.resource("GET", "Shop Tag")
        self.assertEqual((answer.status, answer.json["exc_type"]), (404, "DoesNotExistError"))
        self.assertEqual(len(old.sql("SHOW TABLES LIKE 'tabShop Tag'")), 1)

    def test_a_renamed_doctype_is_a_404_and_an_import_error(self):
        def tag(old):
            self.tag = old.resource("POST", "Shop Tag", body={"tag_name": "t"}).data["name"]

        old = self.migrated("doctype-rename", before=tag)
        self.assertEqual(old.resource("GET", "Shop Tag").status, 404)
        answer = old.resource("POST", "Shop Label", body={"tag_name": "u"})
        self.assertEqual((answer.status, answer.json["exc_type"]), (500, "ImportError"))
        self.new.serve()
        self.assertEqual(self.new.resource("GET", "Shop Label", self.tag).status, 200)

    def test_longtext_copies_the_table(self):
        self.migrated("longtext")
        self.assertIn("MODIFY `notes` longtext", self.migration.stdout)

    def test_an_open_snapshot_gets_1412_after_a_copy(self):
        def open_snapshot(old):
            self.reader = old.servers.connect(old.db_name, autocommit=False)
            self.addCleanup(self.reader.close)
            with self.reader.cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM `tabCustomer`")

        self.migrated("longtext", before=open_snapshot)
        with self.reader.cursor() as cursor, self.assertRaises(Exception) as caught:
            cursor.execute("SELECT COUNT(*) FROM `tabSales Order`")
        self.assertEqual(caught.exception.args[0], 1412)


class Migrate(unittest.TestCase):
    """What migrate does when nothing or little changed."""

    def test_two_releases_and_a_migrate_that_has_nothing_to_do(self):
        first = Bench(servers(), "v1", "_mig")
        first.new_site()
        second, third = Bench(servers(), "v2", "_mig"), Bench(servers(), "v3", "_mig")
        out = second.migrate().stdout
        self.assertIn("create table `tabSales Order Tax`", out)
        for bench in (second, third):
            if bench is third:
                out = third.migrate().stdout
                self.assertIn("create table `tabTicket Watcher`", out)
            again = bench.migrate().stdout
            self.assertNotIn("ALTER", again)
            self.assertNotIn("create", again)
        apps = third.sql("SELECT app_name, app_version FROM `tabInstalled Application` ORDER BY idx")
        versions = {row["app_name"]: row["app_version"] for row in apps}
        self.assertEqual(versions, {"samplebench": "1.0.0", "shop": "1.2.0", "support": "1.2.0"})

    def test_a_changed_json_is_synced_again_with_its_needless_modifies(self):
        bench = Bench(servers(), "v1", "_again")
        bench.new_site()
        path = bench.path / "apps/shop/shop/shop/doctype/item/item.json"
        source = json.loads(path.read_text())
        source["fields"][0]["label"] = "Code"
        path.write_text(json.dumps(source))
        out = bench.migrate().stdout
        self.assertIn("MODIFY `rate` decimal(21,9) not null default 0", out)
        self.assertIn("MODIFY `attributes` json", out)
        self.assertEqual(out.count("ALTER TABLE"), 1)


if __name__ == "__main__":
    unittest.main()
