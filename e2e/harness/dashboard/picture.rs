//! The dashboard as SVG: its panels where Grafana puts them, with what was answered.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Panel;

/// Pixels of a column and of a row of Grafana's grid.
const CELL: (u32, u32) = (60, 34);
/// Margin around a panel, and the place of its title.
const GAP: i32 = 6;
const TITLE: i32 = 26;
/// Height of a line of text, and width of a letter.
const LINE: i32 = 18;
const LETTER: i32 = 7;

const COLOURS: [RGBColor; 6] = [
    RGBColor(46, 125, 90),
    RGBColor(35, 90, 170),
    RGBColor(230, 145, 30),
    RGBColor(192, 41, 43),
    RGBColor(130, 80, 170),
    RGBColor(110, 110, 110),
];
const FRAME: RGBColor = RGBColor(205, 205, 205);
const TEXT: (&str, i32) = ("sans-serif", 13);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error + Send + Sync>>;

/// The picture; times are written in seconds since `begin`.
pub fn svg(panels: &[Panel], begin: f64) -> Result<String, Box<dyn Error + Send + Sync>> {
    let bottom = panels.iter().map(|panel| panel.place[1] + panel.place[3]).max().unwrap_or(1);
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (24 * CELL.0, bottom * CELL.1)).into_drawing_area();
        root.fill(&WHITE).map_err(said)?;
        let times = || panels.iter().flat_map(|panel| &panel.series).flat_map(|(_, series)| &series.values);
        let from = times().map(|(at, _)| *at).fold(f64::MAX, f64::min);
        let until = times().map(|(at, _)| *at).fold(f64::MIN, f64::max);
        for panel in panels {
            let [left, top, width, height] = panel.place;
            let area = root.clone().shrink((left * CELL.0, top * CELL.1), (width * CELL.0, height * CELL.1));
            draw(panel, &area, [from, until], begin)?;
        }
        root.present().map_err(said)?;
    }
    Ok(text)
}

fn said(error: impl std::fmt::Display) -> Box<dyn Error + Send + Sync> {
    error.to_string().into()
}

fn draw(panel: &Panel, area: &Area<'_>, between: [f64; 2], begin: f64) -> Drawn {
    let (width, height) = area.dim_in_pixel();
    let corner = (i32::try_from(width)? - GAP, i32::try_from(height)? - GAP);
    area.draw(&Rectangle::new([(0, 0), corner], FRAME)).map_err(said)?;
    area.draw(&Text::new(panel.title.clone(), (GAP, GAP), ("sans-serif", 15))).map_err(said)?;
    match panel.kind.as_str() {
        "timeseries" => lines(panel, area, between, begin),
        "stat" => {
            let number = panel.series.first().and_then(|(_, series)| series.values.last());
            let number = number.map_or_else(|| "none".to_owned(), |(_, value)| words(*value, &panel.unit));
            area.draw(&Text::new(number, (GAP * 2, TITLE + 14), ("sans-serif", 44))).map_err(said)
        }
        _ => rows(panel, area),
    }
}

/// The last values as lines of text, those of a bargauge with a bar.
fn rows(panel: &Panel, area: &Area<'_>) -> Drawn {
    if panel.series.is_empty() {
        return area.draw(&Text::new("none", (GAP * 2, TITLE), TEXT)).map_err(said);
    }
    let is_bar = panel.kind == "bargauge";
    let most = panel
        .series
        .iter()
        .filter_map(|(_, series)| series.values.last())
        .fold(1.0, |most, value| value.1.max(most));
    for (line, (name, series)) in (0..).zip(&panel.series) {
        let top = TITLE + LINE * line;
        area.draw(&Text::new(name.clone(), (GAP * 2, top), TEXT)).map_err(said)?;
        if is_bar {
            let value = series.values.last().map_or(0.0, |(_, value)| *value);
            let left = 120;
            #[allow(clippy::cast_possible_truncation, reason = "a place on the picture")]
            let right = left + (value / most * 280.0).round() as i32;
            area.draw(&Rectangle::new([(left, top), (right, top + 12)], COLOURS[0].filled()))
                .map_err(said)?;
            area.draw(&Text::new(words(value, &panel.unit), (right + GAP, top), TEXT)).map_err(said)?;
        }
    }
    Ok(())
}

fn lines(panel: &Panel, area: &Area<'_>, [from, until]: [f64; 2], begin: f64) -> Drawn {
    let all = || panel.series.iter().flat_map(|(_, series)| &series.values);
    if all().next().is_none() {
        return area.draw(&Text::new("none", (GAP * 2, TITLE), TEXT)).map_err(said);
    }
    let most = all().map(|(_, value)| *value).fold(0.0, f64::max);
    let most = if most == 0.0 { 1.0 } else { most * 1.1 };
    let unit = panel.unit.clone();
    let mut chart = ChartBuilder::on(area)
        .margin_top(TITLE + LINE)
        .margin_right(GAP * 3)
        .x_label_area_size(28)
        .y_label_area_size(76)
        .build_cartesian_2d(from - begin..until - begin, 0.0..most)
        .map_err(said)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(235, 235, 235))
        .label_style(TEXT)
        .x_label_formatter(&|at| format!("{at:.0} s"))
        .y_label_formatter(&|value| words(*value, &unit))
        .y_labels(5)
        .draw()
        .map_err(said)?;
    let mut left = GAP * 2;
    for ((name, series), colour) in panel.series.iter().zip(COLOURS.iter().cycle()) {
        let values = series.values.iter().filter(|(_, value)| value.is_finite());
        // A series that comes and goes is not drawn across the gap.
        let values: Vec<(f64, f64)> = values.map(|(at, value)| (at - begin, *value)).collect();
        for part in values.chunk_by(|one, next| next.0 - one.0 < 2.0) {
            chart.draw_series([PathElement::new(part, colour.stroke_width(2))]).map_err(said)?;
        }
        area.draw(&Rectangle::new([(left, TITLE + 2), (left + 10, TITLE + 12)], colour.filled()))
            .map_err(said)?;
        area.draw(&Text::new(name.clone(), (left + 14, TITLE), TEXT)).map_err(said)?;
        left += 30 + LETTER * i32::try_from(name.len())?;
    }
    Ok(())
}

/// A value in its unit, as short as can be.
fn words(value: f64, unit: &str) -> String {
    let number = if value >= 10_000.0 {
        format!("{:.0}k", value / 1000.0)
    } else if value.fract() == 0.0 {
        format!("{value:.0}")
    } else if value < 0.1 {
        format!("{value:.3}")
    } else {
        format!("{value:.1}")
    };
    match unit {
        "percent" => format!("{number} %"),
        "s" => format!("{number} s"),
        "ops" => format!("{number}/s"),
        _ => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short() {
        assert_eq!(words(50.0, "percent"), "50 %");
        assert_eq!(words(0.0075, "s"), "0.007 s");
        assert_eq!(words(961_356.0, ""), "961k");
        assert_eq!(words(2.25, "ops"), "2.2/s");
    }
}
