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
    };
    let report = bench::run(&options).await;
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    let by = |name: &str| json["runs"].as_array().unwrap().iter().filter(|run| run["by"] == name).count();
    for name in ["idle", "one plain UPDATE", "crossfade", "crossfade, full speed"] {
        assert_eq!(by(name), 2, "{name}: {json}");
    }
    assert!(json["trigger_shares"][0].as_f64().unwrap() > 0.0, "{json}");
    for run in json["runs"].as_array().unwrap() {
        let ours = run["by"].as_str().unwrap().starts_with("crossfade");
        assert!(!ours || run["errors"] == 0, "{run}");
    }
    println!("{}", report.table());
}
