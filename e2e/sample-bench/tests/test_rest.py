"""Documents over HTTP: what is stored, what comes back, and the bodies of errors."""

import json
import time
import unittest

from bench_under_test import SITE, Bench
from private_servers import servers


class Rest(unittest.TestCase):
    """One v1 site for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.bench = Bench(servers(), "v1", "_rest")
        cls.addClassCleanup(cls.bench.stop)
        cls.bench.new_site()
        cls.bench.serve()
        cls.bench.resource("POST", "Customer", body={"customer_name": "Acme"})

    def order(self, **values):
        """A new order."""
        answer = self.bench.resource("POST", "Sales Order", body={"customer": "Acme", **values})
        self.assertEqual(answer.status, 200, answer.raw)
        return answer.data

    def refused(self, answer, status, kind):
        """An error in Frappe's shape."""
        self.assertEqual(answer.status, status, answer.raw)
        body = answer.json
        self.assertEqual(body["exc_type"], kind)
        self.assertIn(kind, body["exception"])
        self.assertIn("Traceback", json.loads(body["exc"])[0])
        if status != 500:
            self.assertIn("message", json.loads(json.loads(body["_server_messages"])[0]))
        return body

    def test_a_document_comes_back_as_it_was_written(self):
        items = [{"item_code": "a", "qty": 2}, {"item_code": "b", "rate": "1,250.5"}]
        made = self.order(title="first", qty="7", is_urgent=1, items=items, order_date="2026-02-03")
        self.assertRegex(made["name"], r"^[0-9a-v]{10}$")
        read = self.bench.resource("GET", "Sales Order", made["name"]).data
        self.assertEqual(read, made)
        self.assertEqual((read["qty"], read["is_urgent"], read["amount"]), (7, 1, 0.0))
        self.assertEqual([row["item_code"] for row in read["items"]], ["a", "b"])
        self.assertEqual(read["items"][1]["rate"], 1250.5)
        self.assertNotIn("ref_no", read, "nulls are left out")

    def test_unknown_fields_are_dropped_without_an_error(self):
        made = self.order(title="t", nonsense="x")
        self.assertNotIn("nonsense", made)

    def test_put_writes_what_the_metadata_knows_and_replaces_children(self):
        made = self.order(title="before", items=[{"item_code": "a"}, {"item_code": "b"}])
        kept = made["items"][1]
        body = {"title": "after", "items": [{**kept, "qty": 9}, {"item_code": "c"}]}
        put = self.bench.resource("PUT", "Sales Order", made["name"], body=body)
        self.assertEqual(put.status, 200, put.raw)
        rows = self.bench.sql(
            "SELECT name, item_code, qty, idx FROM `tabSales Order Item` WHERE parent = %s"
            " ORDER BY idx",
            (made["name"],),
        )
        self.assertEqual([(r["item_code"], r["qty"]) for r in rows], [("b", 9), ("c", 0)])
        self.assertEqual(rows[0]["name"], kept["name"])
        self.assertEqual(put.data["title"], "after")

    def test_an_update_leaves_columns_alone_that_the_metadata_does_not_know(self):
        made = self.order(title="x")
        self.bench.sql("ALTER TABLE `tabSales Order` ADD COLUMN IF NOT EXISTS extra varchar(140)")
        self.bench.sql("UPDATE `tabSales Order` SET extra = 'kept' WHERE name = %s", (made["name"],))
        put = self.bench.resource("PUT", "Sales Order", made["name"], body={"extra": "lost", "qty": 3})
        self.assertNotIn("extra", put.data)
        row = self.bench.sql("SELECT extra, qty FROM `tabSales Order` WHERE name = %s", (made["name"],))
        self.assertEqual(row, [{"extra": "kept", "qty": 3}])

    def test_lists(self):
        for qty in (101, 102, 103):
            self.order(title="listed", qty=qty)
        query = {"fields": ["name", "qty"], "filters": [["title", "=", "listed"]]}
        rows = self.bench.resource("GET", "Sales Order", query={**query, "order_by": "qty desc"}).data
        self.assertEqual([row["qty"] for row in rows], [103, 102, 101])
        page = {**query, "order_by": "qty asc", "limit_page_length": "1", "limit_start": "1"}
        self.assertEqual(self.bench.resource("GET", "Sales Order", query=page).data[0]["qty"], 102)
        count = {"fields": ["count(name) as n"], "filters": {"title": "listed", "qty": [">", 101]}}
        self.assertEqual(self.bench.resource("GET", "Sales Order", query=count).data, [{"n": 2}])
        query = {"filters": [["Sales Order", "title", "in", ["listed"]]]}
        self.assertEqual(len(self.bench.resource("GET", "Sales Order", query=query).data), 3)

    def test_a_quantity_moves_between_two_orders_in_one_transaction(self):
        source, target = self.order(qty=5)["name"], self.order(qty=1)["name"]
        move = "/api/method/shop.api.move_qty"
        moved = self.bench.request("POST", move, {"source": source, "target": target, "qty": 2})
        self.assertEqual((moved.status, moved.json["message"]), (200, [3, 3]))
        self.bench.request("POST", move, {"source": source, "target": "nobody", "qty": 2})
        left = [self.bench.resource("GET", "Sales Order", name).data["qty"] for name in (source, target)]
        self.assertEqual(left, [3, 3])

    def test_a_field_that_the_metadata_does_not_know_is_not_permitted(self):
        answer = self.bench.resource("GET", "Sales Order", query={"fields": ["name", "nope"]})
        body = self.refused(answer, 417, "DataError")
        self.assertIn("Field not permitted in query: nope", body["exception"])

    def test_hostile_names_do_not_reach_sql(self):
        for query in (
            {"fields": ["name`, sleep(1) -- "]},
            {"filters": [["name` = '' OR 1=1 -- ", "=", "x"]]},
            {"order_by": "name; drop table x"},
        ):
            self.refused(self.bench.resource("GET", "Customer", query=query), 417, "DataError")
        self.refused(self.bench.resource("GET", "Customer` x"), 404, "DoesNotExistError")

    def test_mandatory_links_lengths_and_duplicates(self):
        post = self.bench.resource
        self.refused(post("POST", "Sales Order", body={"title": "x"}), 417, "MandatoryError")
        body = {"customer": "Nobody"}
        self.refused(post("POST", "Sales Order", body=body), 417, "LinkValidationError")
        body = {"customer": "Acme", "title": "x" * 141}
        self.refused(post("POST", "Sales Order", body=body), 417, "CharacterLengthExceededError")
        body = {"customer_name": "Acme"}
        self.refused(post("POST", "Customer", body=body), 409, "DuplicateEntryError")

    def test_delete_takes_the_children_and_refuses_linked_documents(self):
        made = self.order(items=[{"item_code": "a"}])
        deleted = self.bench.resource("DELETE", "Sales Order", made["name"])
        self.assertEqual((deleted.status, deleted.data), (202, "ok"))
        left = self.bench.sql(
            "SELECT name FROM `tabSales Order Item` WHERE parent = %s", (made["name"],)
        )
        self.assertEqual(list(left), [])
        gone = self.bench.resource("GET", "Sales Order", made["name"])
        self.refused(gone, 404, "DoesNotExistError")
        self.order()
        linked = self.bench.resource("DELETE", "Customer", "Acme")
        self.refused(linked, 417, "LinkExistsError")

    def test_delete_does_not_wait_for_a_lock(self):
        made = self.order()
        connection = self.bench.servers.connect("_rest", autocommit=False)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM `tabSales Order` WHERE name = %s FOR UPDATE", (made["name"],))
            begin = time.monotonic()
            answer = self.bench.resource("DELETE", "Sales Order", made["name"])
            self.refused(answer, 500, "QueryTimeoutError")
            self.assertLess(time.monotonic() - begin, 20, "innodb_lock_wait_timeout is 50 s")
            connection.rollback()
        self.assertEqual(self.bench.resource("DELETE", "Sales Order", made["name"]).status, 202)

    def test_an_unknown_column_is_a_500(self):
        meta = "fieldname, fieldtype, parent, parenttype, parentfield, name, idx"
        self.bench.sql(
            f"INSERT INTO tabDocField ({meta}) VALUES ('ghost', 'Data', 'Shop Tag', 'DocType',"
            " 'fields', 'ghost', 99)"
        )
        self.bench.run("--site", SITE, "clear-cache")
        answer = self.bench.resource("POST", "Shop Tag", body={"tag_name": "x"})
        body = self.refused(answer, 500, "OperationalError")
        self.assertIn("1054", body["exception"])
        self.bench.sql("DELETE FROM tabDocField WHERE name = 'ghost'")
        still = self.bench.resource("POST", "Shop Tag", body={"tag_name": "x"})
        self.assertEqual(still.status, 500, "the metadata is cached")
        self.bench.run("--site", SITE, "clear-cache")
        self.assertEqual(self.bench.resource("POST", "Shop Tag", body={"tag_name": "x"}).status, 200)

    def test_names(self):
        post = self.bench.resource
        numbers = [post("POST", "Stock Movement", body={"qty": 1}).data["name"] for _ in range(2)]
        self.assertEqual(numbers[1], numbers[0] + 1)
        read = post("GET", "Stock Movement", numbers[0])
        self.assertEqual((read.status, read.data["name"]), (200, numbers[0]))
        self.assertRegex(post("POST", "Payment Entry", body={}).data["name"], r"^PAY-\d{5}$")
        self.assertRegex(post("POST", "Ticket", body={"subject": "s"}).data["name"], r"^TKT-\d{6}$")
        item = {"item_code": "Bolt / M4", "attributes": {"length": 4}}
        self.assertEqual(post("POST", "Item", body=item).data["name"], "Bolt / M4")
        self.assertEqual(post("GET", "Item", "Bolt / M4").data["attributes"], '{"length": 4}')

    def test_a_single_keeps_only_what_its_metadata_knows(self):
        self.bench.sql(
            "INSERT INTO tabSingles (doctype, field, value) VALUES ('Shop Settings', 'other', '1')"
        )
        put = self.bench.resource("PUT", "Shop Settings", "Shop Settings", body={"tax_rate": 7.5})
        self.assertEqual((put.status, put.data["tax_rate"]), (200, 7.5))
        rows = self.bench.sql("SELECT field FROM tabSingles WHERE doctype = 'Shop Settings'")
        names = {row["field"] for row in rows}
        self.assertIn("tax_rate", names)
        self.assertNotIn("other", names, "a save deletes rows that the metadata does not know")

    def test_who_asks(self):
        guest = self.bench.resource("GET", "Customer", token=False)
        self.refused(guest, 403, "PermissionError")
        wrong = self.bench.get(
            "/api/method/version", token=False, headers={"Authorization": "token a:b"}
        )
        self.refused(wrong, 401, "AuthenticationError")
        login = {"usr": "Administrator", "pwd": "wrong"}
        answer = self.bench.request("POST", "/api/method/login", body=login, token=False)
        self.refused(answer, 401, "AuthenticationError")
        login["pwd"] = "admin"
        answer = self.bench.request("POST", "/api/method/login", body=login, token=False)
        self.assertEqual(answer.json["message"], "Logged In")
        sid = next(c for c in answer.headers.get_all("Set-Cookie") if c.startswith("sid="))
        cookie = {"Cookie": sid.split(";")[0]}
        path = "/api/method/samplebench.desk_methods.get_logged_user"
        answer = self.bench.get(path, token=False, headers=cookie)
        self.assertEqual(answer.json["message"], "Administrator")
        self.bench.run("--site", SITE, "clear-cache")
        row = self.bench.sql("SELECT user FROM tabSessions WHERE sid = %s", (cookie["Cookie"][4:],))
        self.assertEqual(row[0]["user"], "Administrator")
        self.bench.get("/api/method/logout", token=False, headers=cookie)
        self.assertEqual(self.bench.get(path, token=False, headers=cookie).status, 403)

    def test_methods(self):
        path = "/api/method/support.api.open_tickets"
        self.assertGreaterEqual(self.bench.get(path).json["message"], 0)
        self.refused(self.bench.get("/api/method/shop.tasks.beat"), 403, "PermissionError")
        self.refused(self.bench.get("/api/method/shop.api.nothing"), 417, "ValidationError")
        self.refused(self.bench.get("/api/method/os.system"), 417, "ValidationError")

    def test_other_paths(self):
        page = self.bench.get("/", token=False)
        self.assertIn(b"/assets/shop/dist/shop.bundle.", page.raw)
        script = page.raw.decode().split('src="')[1].split('"')[0]
        self.assertEqual(self.bench.get(script, token=False).status, 200)
        self.assertEqual(self.bench.get("/assets/../common_site_config.json").status, 404)
        self.assertEqual(self.bench.get("/assets/%2e%2e/common_site_config.json").status, 404)
        self.assertEqual(self.bench.get("/nowhere").status, 404)
        other = self.bench.get("/api/method/ping", headers={"X-Frappe-Site-Name": "nobody"})
        self.assertEqual(other.status, 404)
        self.assertEqual(page.headers["X-Bench-Version"], "v1")

    def test_a_custom_field_is_a_column_and_a_field(self):
        body = {"name": "Ticket Topic-colour", "dt": "Ticket Topic", "fieldname": "colour"}
        answer = self.bench.resource("POST", "Custom Field", body={**body, "fieldtype": "Data"})
        self.assertEqual(answer.status, 200, answer.raw)
        made = self.bench.resource("POST", "Ticket Topic", body={"topic": "t", "colour": "red"})
        self.assertEqual(made.data["colour"], "red")


if __name__ == "__main__":
    unittest.main()
