use dialects::{Diagnostic, Module};
use crate::settings::Context;
pub fn run(_module: &mut Module<'_>, _context: &mut Context) -> Result<(), Vec<Diagnostic>> { Ok(()) }
