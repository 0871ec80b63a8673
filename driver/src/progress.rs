//! A sign of life for work that lasts.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::printer::Printer;

/// Work that is shorter than this is not announced.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(100);

/// Shows on stderr what is being done, when a person is watching and it takes
/// longer than a second. It goes away when dropped.
pub struct Progress {
    steps: Option<Sender<String>>,
    painter: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts the clock.
    pub fn start(printer: &Printer) -> Self {
        if !printer.interactive() {
            return Self {
                steps: None,
                painter: None,
            };
        }
        let (steps, received) = mpsc::channel::<String>();
        let painter = thread::spawn(move || {
            let started = Instant::now();
            let mut bar: Option<ProgressBar> = None;
            let mut step = String::new();
            loop {
                match received.recv_timeout(TICK) {
                    Ok(next) => step = next,
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                if started.elapsed() >= PATIENCE {
                    let bar = bar.get_or_insert_with(spinner);
                    bar.set_message(format!("{step} ({} s)", started.elapsed().as_secs()));
                    bar.tick();
                }
            }
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
        });
        Self {
            steps: Some(steps),
            painter: Some(painter),
        }
    }

    /// Says what is being done now.
    pub fn step(&self, text: impl Into<String>) {
        if let Some(steps) = &self.steps {
            // The painter lives as long as we do.
            let _ = steps.send(text.into());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.steps = None;
        if let Some(painter) = self.painter.take() {
            let _ = painter.join();
        }
    }
}

fn spinner() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}
