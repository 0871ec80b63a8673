//! What the comparison found, for people.

use std::collections::BTreeSet;
use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use cost::counted;
use dialects::Diagnostic;

/// One cause shows in many operations: so many are enough to see it.
const SHOWN: usize = 20;

/// What a device was found to hold and run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceUse {
    /// Its name in the IR, without `@`.
    pub name: String,
    /// What the placed module declares it to be.
    pub spec: Option<String>,
    /// The roles whose functions are planned on it.
    pub roles: BTreeSet<String>,
    /// How many functions dispatch on it.
    pub functions: usize,
    /// How many dispatches run on it.
    pub dispatches: usize,
    /// How many executables they come from.
    pub executables: usize,
    /// How many parameters are loaded to it.
    pub parameters: usize,
    /// Their bytes.
    pub parameter_bytes: u64,
    /// Bytes of inline constants on it.
    pub constant_bytes: u64,
}

/// The outcome of comparing planned with actual placement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Every planned device, by name.
    pub devices: Vec<DeviceUse>,
    /// What is not as planned. Empty means that placement is proven.
    pub violations: Vec<Diagnostic>,
    /// What a user may like to know, without being wrong.
    pub remarks: Vec<Diagnostic>,
}

impl Report {
    /// Whether everything sits where it was planned.
    pub fn is_proven(&self) -> bool {
        self.violations.is_empty()
    }

    /// The report as text: a verdict, a table of devices, and what was found.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let dispatches: usize = self.devices.iter().map(|each| each.dispatches).sum();
        let parameters: usize = self.devices.iter().map(|each| each.parameters).sum();
        // Writing to a String cannot fail.
        let _ = match self.violations.len() {
            0 => writeln!(
                text,
                "placement proven: {} and {} on {}",
                counted(dispatches, "dispatch"),
                counted(parameters, "parameter"),
                counted(self.devices.len(), "device")
            ),
            count => writeln!(
                text,
                "placement NOT proven: {}",
                counted(count, "violation")
            ),
        };
        let _ = writeln!(text, "{}", self.table().trim_fmt());
        for list in [&self.violations, &self.remarks] {
            for found in list.iter().take(SHOWN) {
                let _ = writeln!(text, "{found}");
            }
            if list.len() > SHOWN {
                let _ = writeln!(text, "… and {} more", list.len() - SHOWN);
            }
        }
        text
    }

    fn table(&self) -> Table {
        const COLUMNS: [&str; 9] = [
            "device",
            "spec",
            "roles",
            "functions",
            "dispatches",
            "executables",
            "parameters",
            "bytes",
            "constants",
        ];
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(COLUMNS);
        for device in &self.devices {
            let roles: Vec<&str> = device.roles.iter().map(String::as_str).collect();
            table.add_row([
                format!("@{}", device.name),
                device.spec.as_deref().map_or("-", short_spec).to_owned(),
                if roles.is_empty() {
                    "-".to_owned()
                } else {
                    roles.join("+")
                },
                device.functions.to_string(),
                device.dispatches.to_string(),
                device.executables.to_string(),
                device.parameters.to_string(),
                device.parameter_bytes.to_string(),
                device.constant_bytes.to_string(),
            ]);
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((2, 0));
            // Names to the left, numbers to the right.
            if index >= 3 {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

/// `"local"[1]` of `#hal.device.alias<"local"[1]> : !hal.device`.
fn short_spec(spec: &str) -> &str {
    spec.strip_prefix("#hal.device.alias<")
        .and_then(|rest| rest.split_once("> :"))
        .map_or(spec, |(inner, _)| inner)
}
