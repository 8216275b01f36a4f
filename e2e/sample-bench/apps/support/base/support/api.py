"""What the support desk offers over HTTP."""

import samplebench


@samplebench.whitelist()
def open_tickets(customer=None):
    """How many tickets are open, of all customers or of one."""
    filters = {"status": "Open"}
    if customer:
        filters["customer"] = customer
    rows = samplebench.get_list("Ticket", fields=["count(name) as n"], filters=filters)
    return rows[0]["n"]
