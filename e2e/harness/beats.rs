//! The runs of a job that the scheduler enqueues at each tick: none doubled, none lost while it changes hands.

use serde::{Deserialize, Serialize};

use super::Fallible;
use super::bench::Bench;
use super::outage::Outage;

/// Seconds between two ticks of the sample bench's scheduler.
const TICK: f64 = 1.0;
/// Seconds before and after a phase that count as its time.
const AROUND: f64 = 30.0;
/// Seconds before and after the last run of the old colour in which a pause is one of the change.
const CHANGE: f64 = 5.0;
/// Runs that a wait in the queue may move into a window of so many ticks.
const WINDOW: usize = 10;
const LATE: usize = 3;
/// Seconds between two runs that a busy machine may need although nothing is away. At a change of hands Python starts in
/// them; a turn that nobody gave up lasts for twice as long.
pub const BUSY: f64 = 5.0;
/// Seconds after an outage until the job must run again. A scheduler may have lost its turn (10 s). A job whose worker
/// could not tell Redis that it is done counts as lost after 90 s, and is not put on the queue a second time before.
const BACK: f64 = 110.0;

/// The pause of one tick that is lost, in seconds.
const ONE_TICK: f64 = 2.5 * TICK;

/// When the job ran, by the clock of the Pods, and for which `bench_id`, in order.
#[derive(Debug)]
pub struct Beats(Vec<(f64, String)>);

/// The runs of a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// All.
    pub runs: usize,
    /// Ticks without one, in pauses longer than that of one lost tick.
    pub missed: f64,
    /// Runs beyond what ten seconds may have.
    pub doubled: usize,
}

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
        let changes = |pair: &&[(f64, String)]| is_near(pair[0].0) && pair[0].1 != pair[1].1;
        let change = self.0.windows(2).find(changes).map_or(at, |pair| pair[0].0);
        let gaps = self.0.windows(2).map(|pair| (pair[0].0, pair[1].0 - pair[0].0));
        let (near, far): (Vec<_>, Vec<_>) = gaps.partition(|(begin, _)| (begin - change).abs() < CHANGE);
        let longest = |gaps: &[(f64, f64)]| gaps.iter().map(|(_, gap)| *gap).fold(0.0, f64::max);
        let (near, far) = (longest(&near), longest(&far));
        let (crowded, hands) = (self.crowded(is_near), self.hands(is_near));
        let words = format!(
            "the scheduler's job ran {} times; longest pause {near:.1} s while it changed hands, {far:.1} s else; {hands:?}",
            self.0.len()
        );
        println!("{words}");
        must_be_one_change(crowded, &hands, &words)?;
        let allowed = pause.max(far + TICK);
        if near > allowed { Err(format!("{words}: longer than {allowed:.1} s").into()) } else { Ok(()) }
    }

    /// Fails unless the job ran all the time but for the outages, never twice at a tick, and changed hands once in the
    /// release that was entered at `from` and over at `until`.
    pub fn must_pause_only_in(&self, outages: &[Outage], from: f64, until: f64) -> Fallible {
        let is_meant = |time: f64| (from..until).contains(&time);
        let (crowded, hands) = (self.crowded(is_meant), self.hands(is_meant));
        let mut longest = (0.0_f64, 0.0_f64);
        for (begin, end) in self.0.windows(2).map(|pair| (pair[0].0, pair[1].0)) {
            if !is_meant(begin) {
                continue;
            }
            let met: Vec<&Outage> =
                outages.iter().filter(|outage| outage.overlaps(begin, end, BUSY)).collect();
            let back = met.iter().map(|outage| outage.until + BACK).fold(begin + BUSY, f64::max);
            if end > back {
                let servers: Vec<_> = met.iter().map(|outage| outage.server).collect();
                return Err(format!(
                    "the scheduler's job paused for {:.1} s; away: {servers:?}",
                    end - begin
                )
                .into());
            }
            let longest = if met.is_empty() { &mut longest.1 } else { &mut longest.0 };
            *longest = longest.max(end - begin);
        }
        let words = format!(
            "the scheduler's longest pause was {:.1} s with a server away, {:.1} s else; {hands:?}",
            longest.0, longest.1
        );
        println!("{words}");
        must_be_one_change(crowded, &hands, &words)
    }

    /// Counts the runs from `from` to `until` (seconds since 1970) beside the ticks.
    pub fn tally(&self, from: f64, until: f64) -> Tally {
        let all: Vec<f64> = self.0.iter().map(|(time, _)| *time).collect();
        let times: Vec<f64> = all.iter().copied().filter(|time| (from..until).contains(time)).collect();
        // The part of a pause that lies in this time, also of one that has not ended.
        let ends = all.iter().skip(1).copied().chain([f64::INFINITY]);
        let pauses = all.iter().zip(ends).filter(|(begin, end)| end - *begin > ONE_TICK);
        let parts = pauses.map(|(begin, end)| end.min(until) - begin.max(from));
        // A run may be late, and the next one in time: so many in ten ticks are none too many.
        let most = times.iter().enumerate().map(|(first, begin)| {
            let within = times[first..].partition_point(|time| *time < begin + TICK * 10.0);
            within.saturating_sub(WINDOW + LATE)
        });
        Tally {
            runs: times.len(),
            missed: parts.map(|part| ((part / TICK).round() - 1.0).max(0.0)).sum(),
            doubled: most.max().unwrap_or(0),
        }
    }

    /// Seconds in which more runs were than ticks, if there are such.
    fn crowded(&self, is_meant: impl Fn(f64) -> bool) -> Option<f64> {
        let most = self.0.windows(WINDOW + LATE + 1).filter(|window| is_meant(window[0].0));
        most.map(|window| window[WINDOW + LATE].0 - window[0].0).find(|span| *span < TICK * 10.0)
    }

    /// Whose jobs ran, one after the other.
    fn hands(&self, is_meant: impl Fn(f64) -> bool) -> Vec<&str> {
        let colours = self.0.iter().filter(|(time, _)| is_meant(*time)).map(|(_, colour)| colour.as_str());
        let mut hands: Vec<&str> = colours.collect();
        hands.dedup();
        hands
    }
}

/// No tick was doubled, and the job changed hands once. Blue's last one may still run when green's first is done already.
fn must_be_one_change(crowded: Option<f64>, hands: &[&str], words: &str) -> Fallible {
    if let Some(span) = crowded {
        return Err(format!("{words}: {} runs in {span:.1} s are too many", WINDOW + LATE + 1).into());
    }
    if hands.len() < 2 || hands.len() > 4 {
        return Err(format!("{words}: it did not change hands once").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_missed_in_long_pauses_alone_and_doubled_by_two_schedulers() {
        let even = |from: u32, to: u32| (from..to).map(|at| (f64::from(at), "blue".to_owned()));
        let pause = Beats(even(0, 20).chain(even(30, 50)).collect());
        assert_eq!(pause.tally(0.0, 50.0), Tally { runs: 40, missed: 10.0, doubled: 0 });
        assert_eq!(pause.tally(25.0, 50.0), Tally { runs: 20, missed: 4.0, doubled: 0 });
        assert_eq!(
            pause.tally(40.0, 60.0),
            Tally { runs: 10, missed: 10.0, doubled: 0 },
            "it never came back"
        );
        let mut two: Vec<_> = even(0, 20).chain(even(0, 20)).collect();
        two.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(Beats(two).tally(0.0, 20.0).doubled, 7);
        let late = Beats([0.0, 1.0, 3.4, 3.5, 4.0, 5.0].map(|at| (at, "blue".to_owned())).to_vec());
        assert_eq!(late.tally(0.0, 6.0), Tally { runs: 6, missed: 0.0, doubled: 0 });
    }
    #[test]
    fn a_pause_at_the_change_is_judged_by_those_at_other_times() {
        let runs = |begin: f64, count: u32, colour: &'static str| {
            (0..count).map(move |at| (begin + f64::from(at), colour.to_owned()))
        };
        let with = |pauses: [f64; 2]| {
            let [before, change] = pauses;
            let old = runs(0.0, 20, "blue").chain(runs(19.0 + before, 20, "blue"));
            Beats(old.chain(runs(38.0 + before + change, 40, "green")).collect())
        };
        assert!(with([1.0, 3.9]).must_change_hands(38.0, BUSY).is_ok());
        assert!(with([1.0, 9.0]).must_change_hands(38.0, BUSY).is_err(), "the turn was not given up");
        assert!(with([8.5, 9.0]).must_change_hands(45.5, BUSY).is_ok(), "the machine stood still before");
    }
}
