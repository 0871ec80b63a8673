//! A design space: tables, CSV, and a page with plots.

pub mod csv;
pub mod growth;
pub mod html;
pub mod plot;
pub mod plots;
pub mod stages;
pub mod table;

use cost::platform::{Variant, variant_text};

/// `cpu=1, gpu=1`.
pub fn variant(variant: &Variant) -> String {
    variant_text(variant).replace(',', ", ")
}
