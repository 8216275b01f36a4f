//! The runs of a job that the scheduler enqueues at each tick: none doubled, none lost while it changes hands.

use super::Fallible;
use super::bench::Bench;

/// Seconds between two ticks of the sample bench's scheduler.
const TICK: f64 = 1.0;
/// Seconds before and after a phase that count as its time.
const AROUND: f64 = 30.0;
/// Runs that a wait in the queue may move into a window of so many ticks.
const WINDOW: usize = 10;
const LATE: usize = 3;

/// The pause of one tick that is lost, in seconds.
pub const ONE_TICK: f64 = 2.5 * TICK;

/// When the job ran, by the clock of the Pods, and for which `bench_id`, in order.
#[derive(Debug)]
pub struct Beats(Vec<(f64, String)>);

impl Beats {
    /// All of a bench so far; `None` on a bench that has no such job (another one than the sample bench).
    pub fn of(bench: &Bench) -> Fallible<Option<Self>> {
        let tables = "SELECT COUNT(*) FROM information_schema.TABLES \
                      WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'tabHeartbeat'";
        if bench.sql(tables)?.trim() == "0" {
            println!("this bench has no job of every tick: the scheduler's runs are not counted");
            return Ok(None);
        }
        let rows = "SELECT UNIX_TIMESTAMP(creation), bench_id FROM shop.tabHeartbeat ORDER BY creation";
        let read = |line: &str| {
            let (at, colour) = line.split_once('\t')?;
            Some((at.parse().ok()?, colour.to_owned()))
        };
        let beats = bench.sql(rows)?;
        let beats: Option<Vec<_>> = beats.lines().map(read).collect();
        Ok(Some(Self(beats.ok_or("a heartbeat has no time or no colour")?)))
    }

    /// Fails unless the scheduler changed hands at `at` (seconds since 1970) as it should: exactly one colour's jobs at a
    /// time, and no longer `pause` (seconds) between two. What the machine itself loses at other times is allowed then too.
    pub fn must_change_hands(&self, at: f64, pause: f64) -> Fallible {
        let is_near = |time: f64| (at - AROUND..at + AROUND).contains(&time);
        let gaps = self.0.windows(2).map(|pair| (pair[0].0, pair[1].0 - pair[0].0));
        let (near, far): (Vec<_>, Vec<_>) = gaps.partition(|(begin, _)| is_near(*begin));
        let longest = |gaps: &[(f64, f64)]| gaps.iter().map(|(_, gap)| *gap).fold(0.0, f64::max);
        let (near, far) = (longest(&near), longest(&far));
        let most = self.0.windows(WINDOW + LATE + 1).filter(|window| is_near(window[0].0));
        let crowded =
            most.map(|window| window[WINDOW + LATE].0 - window[0].0).find(|span| *span < TICK * 10.0);
        let colours = self.0.iter().filter(|(time, _)| is_near(*time)).map(|(_, colour)| colour.as_str());
        let mut hands: Vec<&str> = colours.collect();
        hands.dedup();
        let words = format!(
            "the scheduler's job ran {} times; longest pause {near:.1} s while it changed hands, {far:.1} s else; {hands:?}",
            self.0.len()
        );
        println!("{words}");
        if let Some(span) = crowded {
            return Err(format!("{words}: {} runs in {span:.1} s are too many", WINDOW + LATE + 1).into());
        }
        // Blue's last job may still run when green's first one is done already.
        if hands.len() < 2 || hands.len() > 4 {
            return Err(format!("{words}: it did not change hands once").into());
        }
        let allowed = pause.max(far + TICK);
        if near > allowed { Err(format!("{words}: longer than {allowed:.1} s").into()) } else { Ok(()) }
    }
}
