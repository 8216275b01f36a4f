"""The framework as an app of the bench."""

app_name = "samplebench"
app_title = "Sample Bench"
scheduler_events = {"hourly": ["samplebench.desk_methods.write_deferred_inserts"]}
