//! The rows as a table for a terminal.

use super::super::text::{WIDTH, number, put, wrap};
use super::{How, Row, TOLERANCE_PERCENT, misses};

/// Widths of quantity, published and model; longer texts take a line of their own.
const COLUMNS: [usize; 3] = [54, 20, 28];

/// A fixed-width table of at most 120 columns: groups apart, what each means, its notes below.
#[must_use]
pub fn render(rows: &[Row]) -> String {
    let mut text =
        String::from("Topkima-Former (arXiv 2411.13050): published numbers against the model's\n");
    wrap(
        &mut text,
        "",
        "A number counts as reproduced only where nothing was fitted to it. Every number of the column \"model\" was \
         computed in this run, but for one that says where it was.",
    );
    for how in How::ALL {
        let members: Vec<&Row> = rows.iter().filter(|row| row.how == how).collect();
        if !members.is_empty() {
            group(&mut text, how, &members);
        }
    }
    verdict(&mut text, rows);
    text
}

fn group(text: &mut String, how: How, members: &[&Row]) {
    text.push('\n');
    wrap(text, "", &format!("{} - {}", title(how), meaning(how)));
    let [quantity, published, model] = COLUMNS;
    put(
        text,
        format_args!(
            "  {:<quantity$} {:>published$} {:>model$} {:>8} {:>4}\n",
            "quantity", "published", "model", "error %", "note"
        ),
    );
    let mut notes: Vec<&str> = Vec::new();
    for row in members {
        line(text, row, &mut notes);
    }
    for (index, note) in notes.iter().enumerate() {
        wrap(text, &format!("  {:>2}  ", index + 1), note);
    }
}

fn line<'a>(text: &mut String, row: &'a Row, notes: &mut Vec<&'a str>) {
    let [quantity, published, model] = COLUMNS;
    let note = if row.note.is_empty() {
        String::new()
    } else {
        number(notes, &row.note).to_string()
    };
    let error = row.error_percent.map_or_else(|| "-".to_owned(), percent);
    // A quantity that does not fit stands above its numbers.
    let name = if row.quantity.chars().count() > quantity {
        wrap(text, "  ", &row.quantity);
        ""
    } else {
        row.quantity.as_str()
    };
    let full = format!(
        "  {name:<quantity$} {:>published$} {:>model$} {error:>8} {note:>4}",
        row.published, row.model
    );
    if full.chars().count() <= WIDTH {
        text.push_str(full.trim_end());
        text.push('\n');
    } else {
        wrap(
            text,
            "  ",
            &format!(
                "{name} | {} | {} | {error} | {note}",
                row.published, row.model
            ),
        );
    }
}

/// Two digits after the point below 1 %, where replays are judged; no sign before zero.
fn percent(error: f64) -> String {
    match error.abs() {
        size if size < 0.005 => "0.00".to_owned(),
        size if size < TOLERANCE_PERCENT => format!("{error:+.2}"),
        _ => format!("{error:+.1}"),
    }
}

fn title(how: How) -> &'static str {
    match how {
        How::Replay => "REPLAY",
        How::Fitted => "FITTED",
        How::Simulated => "SIMULATED",
        How::OtherModel => "SAME TREND, OTHER MODEL",
        How::Sensitivity => "SENSITIVITY",
        How::System => "SYSTEM",
        How::NotReproducible => "NOT REPRODUCIBLE",
    }
}

fn meaning(how: How) -> &'static str {
    match how {
        How::Replay => {
            "the device's time constants, which are the paper's, through the serial schedule that every run uses. \
             No constant is fitted: these numbers are reproduced, within 1 %."
        }
        How::Fitted => {
            "agrees only with a constant that the paper does not state. Agreement is no evidence, it was asked for."
        }
        How::Simulated => {
            "heads of a small trained model on a text that was not calibrated on. Nothing is fitted and nothing \
             agrees by construction; the model is not the paper's, so the error says how general the number is."
        }
        How::OtherModel => {
            "points of accuracy that a vision transformer of 172 490 weights and 50 tokens loses on the test images of \
             Fashion-MNIST, with a 95 % interval over images, paired. Its weights were trained by this project (one seed; \
             three stand in data/vit), its heads are float: no converter, no noise. The paper's tasks are CIFAR and SQuAD: \
             this tells whether its trend holds elsewhere, not its numbers."
        }
        How::Sensitivity => {
            "what becomes of a headline number when a quantity changes that the paper leaves open or sets to a slow \
             baseline. Nothing here is a reproduction."
        }
        How::System => {
            "a small model of the system, its fitted constants counted against the numbers they explain, and the \
             paper's table of rivals divided again."
        }
        How::NotReproducible => "no number of the model stands beside these, and why.",
    }
}

fn verdict(text: &mut String, rows: &[Row]) {
    let replays = rows.iter().filter(|row| row.how == How::Replay).count();
    let missed = misses(rows);
    put(
        text,
        format_args!(
            "\n{} of {replays} replays hold to {TOLERANCE_PERCENT} %.\n",
            replays - missed.len()
        ),
    );
    for row in missed {
        wrap(
            text,
            "  missed: ",
            &format!(
                "{}, published {}, model {}",
                row.quantity, row.published, row.model
            ),
        );
    }
}
