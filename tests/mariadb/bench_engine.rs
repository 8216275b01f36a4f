//! The benchmark in its shortest form: it runs to its end and its figures are there. They mean nothing here.

#[path = "../../examples/bench_engine/bench.rs"]
mod bench;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs mariadbd"]
async fn the_benchmark_runs_in_its_short_form() {
    let options = bench::Options {
        rows: 3_000,
        repetitions: 1,
        probe: 40,
        idle_seconds: 1,
        buffer_pool: "128M".to_owned(),
        only: Vec::new(),
    };
    let report = bench::run(&options).await;
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    let by = |name: &str| json["runs"].as_array().unwrap().iter().filter(|run| run["by"] == name).count();
    for name in ["idle", "one plain UPDATE", "crossfade", "crossfade, full speed"] {
        assert_eq!(by(name), 2, "{name}: {json}");
    }
    assert!(json["trigger_shares"][0].as_f64().unwrap() > 0.0, "{json}");
    // Errors are a figure too: the probe deletes with NOWAIT, which fails in the instant of a DDL statement (in a bench the
    // entry tries again).
    assert!(json["runs"].as_array().unwrap().iter().all(|run| run["errors"].is_u64()), "{json}");
    println!("{}", report.table());
}
