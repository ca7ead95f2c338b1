//! What serde says of a fault, and the same in plain words with what to do about it.

use super::words;

/// What is said of a table that holds no choice, or several.
pub const ONE_CHOICE: &str = "must hold exactly one choice";

/// What serde says.
pub(super) enum Fault {
    Missing(String),
    UnknownKey(String, Vec<String>),
    UnknownChoice(String, Vec<String>),
    Other(String),
}

impl Fault {
    pub(super) fn of(message: &str) -> Self {
        let message = message.trim().replace('\n', " ");
        let quoted = |text: &str| -> Vec<String> {
            text.split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect()
        };
        let named = |words: &str| -> Option<(String, Vec<String>)> {
            let after = message.strip_prefix(words)?;
            let (name, rest) = after.split_once('`')?;
            Some((name.to_owned(), quoted(rest)))
        };
        if let Some((name, _)) = named("missing field `") {
            Self::Missing(name)
        } else if let Some((name, known)) = named("unknown field `") {
            Self::UnknownKey(name, known)
        } else if let Some((name, known)) = named("unknown variant `") {
            Self::UnknownChoice(name, known)
        } else {
            Self::Other(message)
        }
    }
}

/// "did you mean", and what there is.
pub(super) fn suggest(name: &str, known: &[String]) -> String {
    let listed = known.join(", ");
    match words::nearest(name, known.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean `{nearest}`? allowed: {listed}"),
        None => format!("allowed: {listed}"),
    }
}

/// Whether a message is about a text that is a whole number beyond those of TOML.
fn is_large(message: &str) -> bool {
    let text = message.split('"').nth(1).unwrap_or_default();
    let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_whole && text.parse::<i64>().is_err()
}

/// The reader's words for a problem, in plain ones, and what to do about it.
pub(super) fn plain(message: &str) -> (String, String) {
    if let Some((problem, fix)) = message.split_once("; ") {
        return (problem.to_owned(), fix.to_owned());
    }
    let pair = |problem: &str, fix: &str| (problem.to_owned(), fix.to_owned());
    if message.starts_with("wanted exactly 1 element") || message.contains("single key") {
        return pair(
            ONE_CHOICE,
            "write one, for instance { topkima = {} } for a datapath",
        );
    }
    let Some((_, expected)) = message.split_once(", expected ") else {
        return pair(message, "change the value");
    };
    match expected {
        "u8" | "u16" | "u32" if message.contains("integer `") && !message.contains("`-") => {
            let most = match expected {
                "u8" => u64::from(u8::MAX),
                "u16" => u64::from(u16::MAX),
                _ => u64::from(u32::MAX),
            };
            (
                format!("must be at most {most}"),
                "write a smaller number".to_owned(),
            )
        }
        // A number that a file of TOML has no room for stays a text.
        "u64" | "usize" | "u32" | "u16" | "u8" if is_large(message) => pair(
            "must be at most 9223372036854775807, the largest whole number of TOML",
            "write a smaller number",
        ),
        "u8" | "u16" | "u32" | "u64" | "usize" => pair(
            "must be a whole number, zero or above",
            "write it without a sign, point or quotes, for instance 3",
        ),
        "f64" | "f32" => pair(
            "must be a number",
            "write it without quotes, as 1.5 or 2e-3, up to 1e308",
        ),
        "a boolean" => pair("must be true or false", "write it without quotes"),
        "a string" | "path string" | "a borrowed string" => {
            pair("must be a text", "put it in \"quotes\"")
        }
        "a sequence" => pair(
            "must be a list",
            "write its elements in [ ]; a list of tables has a [[header]] each",
        ),
        "struct variant" => pair(
            "must be a table",
            "a choice is written with braces, for instance { topkima = {} }",
        ),
        other if other.starts_with("struct ") || other.contains("map") => pair(
            "must be a table",
            "write its keys in { }, or below a [header] of that name",
        ),
        other => (format!("must be {other}"), "change the value".to_owned()),
    }
}
