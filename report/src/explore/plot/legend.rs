//! The legend beside a plot.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{FONT, Mark, PlotError, words};
use crate::layout::lines;

/// Entries below each other.
pub(super) struct Legend<'a, 'b> {
    area: &'a DrawingArea<SVGBackend<'b>, Shift>,
    y: i32,
}

/// Letters that fit beside the legend's signs.
const LETTERS: usize = 27;

impl<'a, 'b> Legend<'a, 'b> {
    pub(super) fn new(area: &'a DrawingArea<SVGBackend<'b>, Shift>) -> Self {
        Self { area, y: 52 }
    }

    fn text(&mut self, name: &str) -> Result<(), PlotError> {
        let style = (FONT, 16)
            .into_text_style(self.area)
            .pos(Pos::new(HPos::Left, VPos::Center));
        for line in lines("", name, LETTERS) {
            self.area
                .draw(&Text::new(line, (34, self.y), style.clone()))
                .map_err(words)?;
            self.y += 17;
        }
        self.y += 3;
        Ok(())
    }

    pub(super) fn series(
        &mut self,
        mark: Mark,
        colour: RGBAColor,
        name: &str,
    ) -> Result<(), PlotError> {
        let y = self.y;
        let path =
            |from, to, width| PathElement::new([(from, y), (to, y)], colour.stroke_width(width));
        match mark {
            Mark::Line | Mark::Both => self.area.draw(&path(4, 28, 2)).map_err(words)?,
            Mark::Dashed => {
                self.area.draw(&path(4, 10, 1)).map_err(words)?;
                self.area.draw(&path(13, 19, 1)).map_err(words)?;
                self.area.draw(&path(22, 28, 1)).map_err(words)?;
            }
            Mark::Dots => {}
        }
        if matches!(mark, Mark::Dots | Mark::Both) {
            let dot = Circle::new((16, y), 4, colour.filled());
            self.area.draw(&dot).map_err(words)?;
        }
        self.text(name)
    }

    pub(super) fn square(&mut self, colour: RGBAColor, name: &str) -> Result<(), PlotError> {
        let y = self.y;
        let square = Rectangle::new([(8, y - 7), (24, y + 7)], colour.filled());
        self.area.draw(&square).map_err(words)?;
        self.text(name)
    }

    pub(super) fn cross(&mut self, name: &str) -> Result<(), PlotError> {
        let cross = Cross::new((16, self.y), 4, BLACK.stroke_width(2));
        self.area.draw(&cross).map_err(words)?;
        self.text(name)
    }
}
