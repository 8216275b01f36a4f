//! A run over time, as SVG: requests, failures and latency by the second, with the phases of the release marked.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::group::whole;
use crate::experiment::record::Run;
use crate::harness::figures::Second;

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
/// Height of the strip with the names of the phases, and of one row of them.
const STRIP: u32 = 126;
const ROW: i32 = 18;
/// What the axis on the left takes, and the margin on the right.
const LEFT: u32 = 80;
const RIGHT: u32 = 20;
/// Width of a letter of the phases' names.
const LETTER: i32 = 9;

const GOOD: RGBColor = RGBColor(46, 125, 90);
const HARD: RGBColor = RGBColor(192, 41, 43);
const SILENT: RGBColor = RGBColor(230, 145, 30);
const MEDIAN: RGBColor = RGBColor(35, 90, 170);
const P95: RGBColor = RGBColor(135, 175, 230);
const MARK: RGBColor = RGBColor(150, 150, 150);

/// Font of the axes.
const AXIS: (&str, i32) = ("sans-serif", 16);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

/// The picture of a run.
pub fn svg(run: &Run) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (WIDTH, HEIGHT)).into_drawing_area();
        root.fill(&WHITE)?;
        let (strip, panels) = root.split_vertically(STRIP);
        let time = Time::of(run);
        names(&strip, &time, &title(run))?;
        let panels = panels.split_evenly((3, 1));
        let seconds = &run.seconds;
        panel(
            &panels[0],
            &time,
            "requests a second",
            &[Curve::area("ended well", GOOD, seconds, |second| Some(count(second.good())))],
        )?;
        let failures = [
            Curve::area("hard failures", HARD, seconds, |second| Some(count(second.hard))),
            Curve::line("lost silently", SILENT, seconds, |second| Some(count(second.silent))),
        ];
        panel(&panels[1], &time, "failures a second", &failures)?;
        let latency = [
            Curve::line("p95", P95, seconds, |second| seen(second, second.latency.p95)),
            Curve::line("p50", MEDIAN, seconds, |second| seen(second, second.latency.p50)),
        ];
        latency_panel(&panels[2], &time, &latency)?;
        root.present()?;
    }
    Ok(text)
}

fn title(run: &Run) -> String {
    let record = &run.record;
    let (rows, users) = (whole(rows(record.size.rows)), record.size.users);
    format!("{}, {}: {rows} rows, {users} users", record.scenario, record.way)
}

fn rows(rows: u64) -> f64 {
    f64::from(u32::try_from(rows).unwrap_or(u32::MAX))
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// A second without an answer has no latency.
fn seen(second: &Second, latency: f64) -> Option<f64> {
    (second.latency.requests > 0).then_some(latency.max(1.0))
}

/// The axis of time, in seconds since the begin of the release, and what is marked on it.
struct Time {
    begin: f64,
    from: f64,
    until: f64,
    marks: Vec<(String, f64)>,
}

impl Time {
    fn of(run: &Run) -> Self {
        let record = &run.record;
        let mut marks: Vec<(String, f64)> =
            record.released.phases.iter().map(|(name, at)| (name.clone(), at - record.begin)).collect();
        marks.push(("end".to_owned(), record.end - record.begin));
        let begin = record.begin;
        Self { begin, from: record.from - begin, until: record.until - begin, marks }
    }

    /// Where a time is on the picture.
    fn pixel(&self, at: f64) -> i32 {
        let width = f64::from(WIDTH - LEFT - RIGHT);
        let share = (at - self.from) / (self.until - self.from).max(1.0);
        #[allow(clippy::cast_possible_truncation, reason = "a place on the picture")]
        let pixel = (share * width).round() as i32;
        pixel + i32::try_from(LEFT).unwrap_or_default()
    }
}

/// The row of each name, so that none covers another: those of short phases come below each other.
fn stacked(begins: &[i32], widths: &[i32]) -> Vec<usize> {
    let mut ends: Vec<i32> = Vec::new();
    let place = |(begin, width): (&i32, &i32)| {
        let row = ends.iter().position(|end| end <= begin).unwrap_or(ends.len());
        if row == ends.len() {
            ends.push(0);
        }
        ends[row] = begin + width;
        row
    };
    begins.iter().zip(widths).map(place).collect()
}

fn names(strip: &Area<'_>, time: &Time, title: &str) -> Drawn {
    strip.draw(&Text::new(title.to_owned(), (i32::try_from(LEFT)?, 6), ("sans-serif", 24)))?;
    let begins: Vec<i32> = time.marks.iter().map(|(_, at)| time.pixel(*at)).collect();
    let widths: Vec<i32> =
        time.marks.iter().map(|(name, _)| i32::try_from(name.len()).unwrap_or(0) * LETTER).collect();
    let rows = stacked(&begins, &widths);
    for (((name, _), begin), row) in time.marks.iter().zip(&begins).zip(rows) {
        let top = 32 + ROW * i32::try_from(row)?;
        strip.draw(&PathElement::new([(*begin, top), (*begin, i32::try_from(STRIP)?)], MARK))?;
        strip.draw(&Text::new(name.clone(), (begin + 4, top), ("sans-serif", 17)))?;
    }
    Ok(())
}

/// Values over time; where there is none the line is broken.
struct Curve {
    name: &'static str,
    colour: RGBColor,
    is_filled: bool,
    values: Vec<(f64, Option<f64>)>,
}

impl Curve {
    fn line(
        name: &'static str,
        colour: RGBColor,
        seconds: &[Second],
        value: fn(&Second) -> Option<f64>,
    ) -> Self {
        let values = seconds.iter().map(|second| (second.at, value(second))).collect();
        Self { name, colour, is_filled: false, values }
    }

    fn area(
        name: &'static str,
        colour: RGBColor,
        seconds: &[Second],
        value: fn(&Second) -> Option<f64>,
    ) -> Self {
        Self { is_filled: true, ..Self::line(name, colour, seconds, value) }
    }

    fn most(&self) -> f64 {
        self.values.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max)
    }

    /// The unbroken parts, by seconds since the begin of the release.
    fn parts(&self, begin: f64) -> Vec<Vec<(f64, f64)>> {
        let broken = self.values.split(|(_, value)| value.is_none());
        let part = |values: &[(f64, Option<f64>)]| {
            values.iter().filter_map(|(at, value)| Some((at - begin, (*value)?))).collect()
        };
        broken.map(part).filter(|part: &Vec<_>| !part.is_empty()).collect()
    }
}

fn panel(area: &Area<'_>, time: &Time, name: &str, curves: &[Curve]) -> Drawn {
    let most = curves.iter().map(Curve::most).fold(4.0, f64::max) * 1.15;
    let mut chart = ChartBuilder::on(area)
        .margin_right(RIGHT)
        .x_label_area_size(24)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(time.from..time.until, 0.0..most)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .label_style(AXIS)
        .x_label_formatter(&|at| whole(*at))
        .y_label_formatter(&|count| whole(*count))
        .y_labels(5)
        .y_desc(name)
        .draw()?;
    for curve in curves {
        for part in curve.parts(time.begin) {
            if curve.is_filled {
                let (first, last) = (part[0].0, part[part.len() - 1].0);
                let outline: Vec<(f64, f64)> =
                    [(first, 0.0)].into_iter().chain(part.clone()).chain([(last, 0.0)]).collect();
                chart.draw_series([Polygon::new(outline, curve.colour.mix(0.35))])?;
            }
            chart.draw_series([PathElement::new(part, curve.colour)])?;
        }
    }
    let marks = time.marks.iter().map(|(_, at)| PathElement::new([(*at, 0.0), (*at, most)], MARK));
    chart.draw_series(marks)?;
    legend(area, curves)
}

/// From one millisecond to the slowest, by powers of ten.
fn latency_panel(area: &Area<'_>, time: &Time, curves: &[Curve]) -> Drawn {
    let most = curves.iter().map(Curve::most).fold(100.0, f64::max) * 1.5;
    let mut chart = ChartBuilder::on(area)
        .margin_right(RIGHT)
        .x_label_area_size(40)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(time.from..time.until, (1.0..most).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .label_style(AXIS)
        .x_label_formatter(&|at| whole(*at))
        .y_label_formatter(&|latency| whole(*latency))
        .y_desc("latency, ms")
        .x_desc("seconds since the release was asked for")
        .draw()?;
    for curve in curves {
        for part in curve.parts(time.begin) {
            chart.draw_series([PathElement::new(part, curve.colour.stroke_width(2))])?;
        }
    }
    let marks = time.marks.iter().map(|(_, at)| PathElement::new([(*at, 1.0), (*at, most)], MARK));
    chart.draw_series(marks)?;
    legend(area, curves)
}

/// Names of the curves, in the upper left corner.
fn legend(area: &Area<'_>, curves: &[Curve]) -> Drawn {
    let mut left = i32::try_from(LEFT)? + 12;
    for curve in curves {
        area.draw(&Rectangle::new([(left, 5), (left + 12, 15)], curve.colour.filled()))?;
        area.draw(&Text::new(curve.name, (left + 17, 3), ("sans-serif", 16)))?;
        left += 44 + LETTER * i32::try_from(curve.name.len())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_cover_each_other_are_stacked() {
        assert_eq!(stacked(&[0, 10, 20, 200], &[80, 80, 80, 30]), [0, 1, 2, 0]);
    }
}
