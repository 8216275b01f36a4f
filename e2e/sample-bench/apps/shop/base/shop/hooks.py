"""Hooks of the shop."""

app_name = "shop"
app_title = "Shop"
scheduler_events = {"all": ["shop.tasks.beat"]}
