"""Hooks of the support desk."""

app_name = "support"
app_title = "Support"
scheduler_events = {"daily": ["support.tasks.close_old_tickets"]}
