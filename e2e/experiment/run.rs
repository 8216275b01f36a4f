//! One scenario, released by one way, under load.

use std::time::Duration;

use super::record::{Record, Size};
use super::scenario::Scenario;
use super::way::Way;
use super::{filling, jobs, machine};
use crate::harness::Fallible;
use crate::harness::load::{Load, Mix, Request, now};

/// What is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The change.
    pub scenario: Scenario,
    /// How it is released.
    pub way: Way,
    /// Which of the repetitions, from 1.
    pub repetition: usize,
    /// How much is done.
    pub size: Size,
}

impl Plan {
    /// Makes a bench, fills it, releases under load, and takes it away; `say` is told what goes on. Gives what was done, and
    /// what the users saw from the moment at which all were there, in the order of time.
    pub fn run(&self, say: &dyn Fn(&str)) -> Fallible<(Record, Vec<Request>)> {
        let Self { scenario, way, repetition, size } = *self;
        say("a bench at v1 with MariaDB and Redis");
        // A name of its own: a StatefulSet that comes right after another of its name was seen to wait for minutes.
        let bench = way.install(&format!("{}-{way}", scenario.name))?;
        let fill_seconds = filling::fill(&bench, scenario.doctype, size.rows)?;
        say(&format!("{} rows of {} in {fill_seconds:.0} s", size.rows, scenario.doctype));
        bench.wait_for_answer("v1")?;
        let machine = machine::ask(&bench)?;
        say(&format!("{} users come, 10 a second", size.users));
        let mix = Mix { template: "experiment".to_owned() };
        let mut users = Load::of(&bench, size.users, &mix)?;
        let from = now();
        users.run_for(Duration::from_secs(size.seconds))?;
        let begin = now();
        let released = way.release(&bench, scenario.version, say)?;
        let end = now();
        if let Some(failure) = &released.failure {
            say(&format!("{} was not released: {failure}", scenario.version));
        }
        users.run_for(Duration::from_secs(size.seconds))?;
        let until = now();
        let mut requests = users.stop()?;
        requests.retain(|request| (from..until).contains(&request.time));
        let jobs = jobs::count(&bench, &requests, (from, begin, until))?;
        bench.namespace.delete()?;
        let record = Record {
            scenario: scenario.name.to_owned(),
            way,
            repetition,
            size,
            from,
            begin,
            end,
            until,
            released,
            jobs,
            fill_seconds,
            machine,
        };
        Ok((record, requests))
    }
}
