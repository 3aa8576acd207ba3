//! Gap against passes and against time, as SVG.

use super::rising::Point;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;
use std::ops::Range;
use std::path::Path;

/// Gaps below this are drawn here: floats hardly tell them from 0.
const LEAST: f64 = 1e-9;

/// What the horizontal axis shows.
#[derive(Clone, Copy)]
pub enum Axis {
    Passes,
    Milliseconds,
}

impl Axis {
    fn of(self, point: &Point) -> f64 {
        match self {
            Axis::Passes => point.passes as f64,
            Axis::Milliseconds => point.seconds * 1e3,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Axis::Passes => "limit on passes (master problems)",
            Axis::Milliseconds => "time per input [ms]",
        }
    }
}

/// One line per input, both axes logarithmic.
pub fn draw(path: &Path, title: &str, axis: Axis, curves: &[Vec<Point>]) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(path, (720, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let all = || curves.iter().flatten().filter(|point| point.gap.is_finite());
    let across = bounds(all().map(|point| axis.of(point)));
    let down = bounds(all().map(|point| point.gap.max(LEAST)));
    lines(&root, title, axis, (across, down), curves)?;
    root.present()?;
    Ok(())
}

fn bounds(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
    low / 1.2..high * 1.2
}

fn lines(
    root: &DrawingArea<SVGBackend, Shift>,
    title: &str,
    axis: Axis,
    (across, down): (Range<f64>, Range<f64>),
    curves: &[Vec<Point>],
) -> Result<(), Box<dyn Error>> {
    let mut chart = ChartBuilder::on(root)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d(across.log_scale(), down.log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc(axis.title())
        .y_desc("upper / radius − 1")
        .x_label_formatter(&|v| format!("{v}"))
        .y_label_formatter(&|v| format!("{v:.0e}"))
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 15))
        .draw()?;
    for (i, curve) in curves.iter().enumerate() {
        let colour = HSLColor(i as f64 / curves.len() as f64, 0.8, 0.4);
        let known = curve.iter().filter(|point| point.gap.is_finite());
        let points = known.map(|point| (axis.of(point), point.gap.max(LEAST)));
        let line = LineSeries::new(points, colour.stroke_width(2)).point_size(2);
        let swatch = move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2));
        chart.draw_series(line)?.label(format!("input {i}")).legend(swatch);
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 12))
        .draw()?;
    Ok(())
}
