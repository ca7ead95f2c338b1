//! Stopping by a signal: one line that says how to go on. What is finished is kept in the journal.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::print::{err, is_watched};

/// What is said when a signal comes.
#[derive(Clone, Debug)]
pub(super) struct Stop(Arc<Mutex<String>>);

impl Stop {
    /// Listens for TERM, INT and HUP, but for those that this process was told to ignore, as `nohup` does.
    /// The first one ends it with 128 and its number, a second one at once.
    pub fn listen() -> Self {
        let stop = Self(Arc::new(Mutex::new("nothing was written".to_owned())));
        #[cfg(unix)]
        stop.wait();
        stop
    }

    /// What to say from now on.
    pub fn say(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    #[cfg(unix)]
    fn wait(&self) {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        use signal_hook::iterator::Signals;
        use std::sync::atomic::AtomicBool;

        let names = [(SIGHUP, "HUP"), (SIGINT, "INT"), (SIGTERM, "TERM")];
        let ignored = ignored();
        let heard = names.map(|(number, _)| number);
        let heard = heard
            .iter()
            .filter(|number| ignored >> (**number - 1) & 1 == 0);
        let second = Arc::new(AtomicBool::new(false));
        for &number in heard.clone() {
            let code = 128 + number;
            let _ =
                signal_hook::flag::register_conditional_shutdown(number, code, Arc::clone(&second));
            let _ = signal_hook::flag::register(number, Arc::clone(&second));
        }
        let Ok(mut signals) = Signals::new(heard) else {
            return;
        };
        let told = self.clone();
        std::thread::spawn(move || {
            if let Some(number) = signals.forever().next() {
                let name = names.iter().find(|(known, _)| *known == number);
                let name = name.map_or("a signal", |(_, name)| name);
                let text = told.0.lock().unwrap_or_else(PoisonError::into_inner);
                // A bar of progress may stand on the line.
                let start = if is_watched() { "\n" } else { "" };
                let mut err = err();
                let _ = err.write_all(start.as_bytes());
                let _ = err.line(&format!("stopped by {name}: {text}"));
                std::process::exit(128 + number);
            }
        });
    }
}

/// The signals that are ignored, one bit each; none where the system does not say.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
