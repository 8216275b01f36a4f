"""What the shop offers over HTTP."""

import time

import samplebench


@samplebench.whitelist()
def enqueue_note(token, seconds=0, queue="default", delay=0):
    """Enqueue a job that writes a Job Note with the token; the id of the job."""
    return samplebench.enqueue(
        "shop.tasks.write_note",
        queue=queue,
        delay=float(delay),
        token=str(token),
        seconds=min(float(seconds), 60.0),
    )


@samplebench.whitelist()
def order_totals(customer):
    """Number and amount of a customer's orders."""
    row = samplebench.db.sql(
        "SELECT COUNT(*) AS `orders`, SUM(`amount`) AS `amount` FROM `tabSales Order`"
        " WHERE `customer` = %s",
        (customer,),
    )[0]
    return {"orders": row["orders"], "amount": float(row["amount"] or 0)}


@samplebench.whitelist()
def wait(seconds):
    """Answer after some seconds: a long request."""
    time.sleep(min(float(seconds), 60.0))
    return seconds


@samplebench.whitelist()
def add_note(order, note):
    """Append to the notes of an order and write a payment of 0: a request that locks two rows."""
    doc = samplebench.get_doc("Sales Order", order, for_update=True)
    doc.notes = f"{doc.get('notes') or ''}\n{note}".strip()
    doc.save()
    samplebench.new_doc("Payment Entry", sales_order=order, paid_amount=0).insert()
    return doc.name


@samplebench.whitelist()
def move_qty(source, target, qty=1):
    """Take a quantity from one order and give it to another: a request that writes two rows of one table, and no document."""
    left = []
    for name, change in ((source, -int(qty)), (target, int(qty))):
        held = samplebench.db.sql("SELECT `qty` FROM `tabSales Order` WHERE `name` = %s FOR UPDATE", (name,))
        if not held:
            raise samplebench.ValidationError(f"Sales Order {name} not found")
        left.append(held[0]["qty"] + change)
        samplebench.set_value("Sales Order", name, {"qty": left[-1]})
    return left
