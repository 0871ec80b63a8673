//! Plots as SVG text: lines, points and maps, in one style.
//!
//! Labels have units, legends lie beside the plot and not in it, and colours are those of Okabe and
//! Ito, which most colour-blind readers can tell apart.

mod legend;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use legend::Legend;

/// Okabe and Ito's palette, without its yellow, which is too light for lines.
pub const PALETTE: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
    RGBColor(127, 127, 127),
];

/// A colour of the palette, which repeats.
pub fn colour(index: usize) -> RGBColor {
    PALETTE[index % PALETTE.len()]
}

const SIZE: (u32, u32) = (820, 430);
/// Width of the legend beside the plot.
const LEGEND: u32 = 230;
const FONT: &str = "sans-serif";

/// What went wrong, which takes a broken font backend.
pub type PlotError = String;

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A line.
    Line,
    /// A thin dashed line.
    Dashed,
    /// Dots.
    Dots,
    /// A line with dots.
    Both,
}

/// One entry of the legend with its points.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend.
    pub label: String,
    /// x and y.
    pub points: Vec<(f64, f64)>,
    /// Index into [`PALETTE`].
    pub colour: usize,
    /// How it is drawn.
    pub mark: Mark,
}

/// A plot of lines and points.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// Above the plot.
    pub title: String,
    /// Below it, with the unit.
    pub x: String,
    /// Beside it, with the unit.
    pub y: String,
    /// The series.
    pub series: Vec<Series>,
    /// Ends of the axes; from the points where not given.
    pub x_range: Option<(f64, f64)>,
    /// As above.
    pub y_range: Option<(f64, f64)>,
    /// Both axes logarithmic.
    pub log: bool,
    /// y from here up is shaded, with this name in the legend.
    pub shaded: Option<(f64, String)>,
    /// Vertical lines: x and a name for the legend.
    pub verticals: Vec<(f64, String)>,
    /// Names of whole numbers on the x axis, in place of the numbers.
    pub names: Vec<String>,
}

impl Chart {
    /// The plot as an `<svg>` element.
    ///
    /// # Errors
    /// What plotters says.
    pub fn svg(&self) -> Result<String, PlotError> {
        let mut text = String::new();
        {
            let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
            root.fill(&WHITE).map_err(words)?;
            let (left, right) = root.split_horizontally(SIZE.0 - LEGEND);
            let (x, y) = (self.ends(0), self.ends(1));
            if self.log {
                let x = (x.0..x.1).log_scale();
                self.draw(&left, x, (y.0..y.1).log_scale(), &power, &power)?;
            } else {
                let named = |at: &f64| self.name(*at);
                self.draw(&left, x.0..x.1, y.0..y.1, &named, &|y| number(*y))?;
            }
            self.legend(&right)?;
            root.present().map_err(words)?;
        }
        Ok(responsive(text))
    }

    fn name(&self, at: f64) -> String {
        if self.names.is_empty() {
            return number(at);
        }
        let whole = (at - at.round()).abs() < 1e-6 && at >= -1e-6;
        let name = whole.then(|| self.names.get(at.round() as usize)).flatten();
        name.cloned().unwrap_or_default()
    }

    fn ends(&self, axis: usize) -> (f64, f64) {
        let (given, marked): (_, Vec<f64>) = if axis == 0 {
            (
                self.x_range,
                self.verticals.iter().map(|(x, _)| *x).collect(),
            )
        } else {
            (self.y_range, vec![])
        };
        if let Some(range) = given {
            return range;
        }
        let values = self.series.iter().flat_map(|series| &series.points);
        let values = values.map(|point| if axis == 0 { point.0 } else { point.1 });
        let (low, high) = values
            .chain(marked)
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                (low.min(v), high.max(v))
            });
        if low > high {
            return (0.0, 1.0);
        }
        if self.log {
            return (low / 1.5, high * 1.5);
        }
        // Heights begin at zero, so that twice as high is twice as much.
        let low = if axis == 1 { low.min(0.0) } else { low };
        let room = ((high - low) * 0.06).max(high.abs() * 1e-6).max(1e-12);
        let below = if axis == 1 && low == 0.0 { 0.0 } else { room };
        (low - below, high + room)
    }

    fn draw<X, Y>(
        &self,
        area: &DrawingArea<SVGBackend<'_>, Shift>,
        x: X,
        y: Y,
        x_words: &dyn Fn(&f64) -> String,
        y_words: &dyn Fn(&f64) -> String,
    ) -> Result<(), PlotError>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, (FONT, 20))
            .margin(12)
            .x_label_area_size(46)
            .y_label_area_size(66)
            .build_cartesian_2d(x, y)
            .map_err(words)?;
        let (low, high) = (self.ends(0), self.ends(1));
        if let Some((from, _)) = &self.shaded
            && *from < high.1
        {
            let corners = [(low.0, from.max(high.0)), (low.1, high.1)];
            chart
                .draw_series([Rectangle::new(corners, RED.mix(0.10).filled())])
                .map_err(words)?;
        }
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(&self.x)
            .y_desc(&self.y)
            .axis_desc_style((FONT, 17))
            .label_style((FONT, 15))
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_label_formatter(x_words)
            .y_label_formatter(y_words);
        if !self.names.is_empty() {
            mesh.x_labels(self.names.len() + 1);
        }
        mesh.draw().map_err(words)?;
        for (index, (x, _)) in self.verticals.iter().enumerate() {
            let ends = [(*x, high.0), (*x, high.1)];
            let style = if index == 0 {
                BLACK.mix(0.8)
            } else {
                BLACK.mix(0.4)
            };
            chart
                .draw_series([PathElement::new(ends, style.stroke_width(1))])
                .map_err(words)?;
        }
        for series in &self.series {
            let colour = colour(series.colour);
            let points = series.points.iter().copied();
            match series.mark {
                Mark::Dashed => {
                    let line = DashedLineSeries::new(points.clone(), 6, 4, colour.stroke_width(1));
                    chart.draw_series(line).map_err(words)?;
                }
                Mark::Line | Mark::Both => {
                    let line = LineSeries::new(points.clone(), colour.stroke_width(2));
                    chart.draw_series(line).map_err(words)?;
                }
                Mark::Dots => {}
            }
            if matches!(series.mark, Mark::Dots | Mark::Both) {
                let dots = points.map(|point| Circle::new(point, 4, colour.filled()));
                chart.draw_series(dots).map_err(words)?;
            }
        }
        Ok(())
    }

    fn legend(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), PlotError> {
        let mut legend = Legend::new(area);
        // What has no name is explained by what has.
        for series in self.series.iter().filter(|series| !series.label.is_empty()) {
            legend.series(series.mark, colour(series.colour).to_rgba(), &series.label)?;
        }
        for (index, (_, name)) in self.verticals.iter().enumerate() {
            let style = if index == 0 {
                BLACK.mix(0.8)
            } else {
                BLACK.mix(0.4)
            };
            legend.series(Mark::Line, style, name)?;
        }
        if let Some((_, name)) = &self.shaded {
            legend.square(RED.mix(0.10), name)?;
        }
        Ok(())
    }
}

/// A map of categories over two axes, with marks on it.
#[derive(Clone, Debug, Default)]
pub struct Categories {
    /// Above the plot.
    pub title: String,
    /// Below it.
    pub x: String,
    /// Beside it.
    pub y: String,
    /// Centres of the columns, ascending and evenly spaced.
    pub xs: Vec<f64>,
    /// Centres of the rows.
    pub ys: Vec<f64>,
    /// Category of each cell, by column, then row.
    pub cells: Vec<Vec<usize>>,
    /// Name of each category; those that no cell has stay out of the legend.
    pub labels: Vec<String>,
    /// From light to dark in place of the palette, where categories have an order.
    pub graded: bool,
    /// A cross, with its name in the legend.
    pub mark: Option<((f64, f64), String)>,
}

impl Categories {
    /// The map as an `<svg>` element.
    ///
    /// # Errors
    /// What plotters says.
    pub fn svg(&self) -> Result<String, PlotError> {
        let mut text = String::new();
        {
            let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
            root.fill(&WHITE).map_err(words)?;
            let (left, right) = root.split_horizontally(SIZE.0 - LEGEND);
            let (x, y) = (ends(&self.xs), ends(&self.ys));
            let mut chart = ChartBuilder::on(&left)
                .caption(&self.title, (FONT, 20))
                .margin(12)
                .x_label_area_size(46)
                .y_label_area_size(66)
                .build_cartesian_2d(x.0..x.1, y.0..y.1)
                .map_err(words)?;
            chart.draw_series(self.rectangles(x, y)).map_err(words)?;
            chart
                .configure_mesh()
                .disable_mesh()
                .x_desc(&self.x)
                .y_desc(&self.y)
                .axis_desc_style((FONT, 17))
                .label_style((FONT, 15))
                .x_label_formatter(&|x| number(*x))
                .y_label_formatter(&|y| number(*y))
                .draw()
                .map_err(words)?;
            if let Some((at, _)) = &self.mark {
                chart
                    .draw_series([Circle::new(*at, 6, WHITE.filled())])
                    .map_err(words)?;
                chart
                    .draw_series([Cross::new(*at, 4, BLACK.stroke_width(2))])
                    .map_err(words)?;
            }
            self.legend(&right)?;
            root.present().map_err(words)?;
        }
        Ok(responsive(text))
    }

    /// Cells of one column that lie above each other in one category are one rectangle.
    fn rectangles(&self, x: (f64, f64), y: (f64, f64)) -> Vec<Rectangle<(f64, f64)>> {
        let edge = |centres: &[f64], index: usize, (low, high): (f64, f64)| {
            let step = (high - low) / centres.len().max(1) as f64;
            low + step * index as f64
        };
        let mut all = Vec::new();
        for (column, cells) in self.cells.iter().enumerate() {
            let (left, right) = (edge(&self.xs, column, x), edge(&self.xs, column + 1, x));
            let mut from = 0;
            for row in 1..=cells.len() {
                if row == cells.len() || cells[row] != cells[from] {
                    let corners = [
                        (left, edge(&self.ys, from, y)),
                        (right, edge(&self.ys, row, y)),
                    ];
                    all.push(Rectangle::new(corners, self.colour(cells[from]).filled()));
                    from = row;
                }
            }
        }
        all
    }

    fn used(&self) -> Vec<usize> {
        let mut used: Vec<usize> = self.cells.iter().flatten().copied().collect();
        used.sort_unstable();
        used.dedup();
        used
    }

    fn colour(&self, category: usize) -> RGBAColor {
        if !self.graded {
            return colour(category).mix(0.75);
        }
        if category == 0 {
            return RGBColor(238, 238, 238).to_rgba();
        }
        // Purple to yellow through green, as viridis has it.
        let top = self.used().last().copied().unwrap_or(1).max(1);
        let share = 1.0 - (category as f64 - 1.0) / (top as f64 - 1.0).max(1.0);
        let stops = [
            (68.0, 1.0, 84.0),
            (59.0, 82.0, 139.0),
            (33.0, 145.0, 140.0),
            (94.0, 201.0, 98.0),
            (253.0, 231.0, 37.0),
        ];
        let at = share * 4.0;
        let (low, weight) = ((at.floor() as usize).min(3), at - at.floor().min(3.0));
        let mix = |a: f64, b: f64| (a + (b - a) * weight).round() as u8;
        let (a, b) = (stops[low], stops[low + 1]);
        RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2)).to_rgba()
    }

    fn legend(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), PlotError> {
        let mut legend = Legend::new(area);
        for category in self.used() {
            let name = self.labels.get(category).map_or("", String::as_str);
            legend.square(self.colour(category), name)?;
        }
        if let Some((_, name)) = &self.mark {
            legend.cross(name)?;
        }
        Ok(())
    }
}

/// Outer edges of evenly spaced centres.
fn ends(centres: &[f64]) -> (f64, f64) {
    match centres {
        [first, second, ..] => {
            let half = (second - first) / 2.0;
            (first - half, centres[centres.len() - 1] + half)
        }
        [only] => (only - 0.5, only + 0.5),
        [] => (0.0, 1.0),
    }
}

/// A number on an axis, without zeros that say nothing.
fn number(value: f64) -> String {
    if value.abs() < 1e-9 {
        return "0".into();
    }
    if value.abs() >= 1e5 || value.abs() < 1e-3 {
        return format!("{value:.0e}");
    }
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number on a logarithmic axis.
fn power(value: &f64) -> String {
    let exponent = value.log10().round();
    if (value.log10() - exponent).abs() < 1e-6 {
        format!("1e{exponent:.0}")
    } else {
        format!("{value:.1e}")
    }
}

fn words(error: impl std::fmt::Display) -> PlotError {
    error.to_string()
}

/// Lets the page decide about the width.
fn responsive(svg: String) -> String {
    let (w, h) = SIZE;
    svg.replacen(
        &format!("<svg width=\"{w}\" height=\"{h}\""),
        &format!("<svg width=\"{w}\" height=\"{h}\" style=\"max-width:100%;height:auto\""),
        1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_its_labels() {
        let chart = Chart {
            title: "T".into(),
            x: "length (tokens)".into(),
            y: "time (ms)".into(),
            series: vec![Series {
                label: "one with a name that is long".into(),
                points: vec![(1.0, 2.0), (2.0, f64::NAN), (3.0, 4.0)],
                colour: 0,
                mark: Mark::Both,
            }],
            ..Chart::default()
        };
        let svg = chart.svg().unwrap();
        for part in [
            "<svg ",
            "length (tokens)",
            "time (ms)",
            "one with a name that is",
        ] {
            assert!(svg.contains(part), "{part}");
        }
        assert!(Chart::default().svg().is_ok(), "an empty one is a plot too");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([number(0.5), number(20.0), number(0.0)], ["0.5", "20", "0"]);
        assert_eq!(power(&1e6), "1e6");
    }
}
