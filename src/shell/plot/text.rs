//! Text in a figure: escaped, measured, broken into lines.

use crate::base::notice::is_obeyed;

/// Text as it may stand between tags or in a quoted attribute. A control character, a mark that turns the
/// direction of the line, or a character that XML 1.0 does not allow, becomes U+FFFD.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for mark in text.chars() {
        match mark {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            '\u{FFFE}' | '\u{FFFF}' => safe.push('\u{FFFD}'),
            _ if is_obeyed(mark) => safe.push('\u{FFFD}'),
            _ => safe.push(mark),
        }
    }
    safe
}

/// An estimate of the width of a text in pixels, on the wide side for a common sans-serif.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|mark| match mark {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.34,
            'f'
            | 't'
            | 'r'
            | '('
            | ')'
            | '['
            | ']'
            | '-'
            | '/'
            | '⁻'
            | '⁰'..='⁹'
            | '²'
            | '³'
            | '¹' => 0.43,
            'm' | 'w' | 'M' | 'W' | '%' | '@' | '×' | '−' | '=' | '+' | '<' | '>' => 0.88,
            'A'..='Z' | '&' => 0.72,
            '\u{1100}'.. => 1.0,
            _ => 0.62,
        })
        .sum();
    ems * size
}

/// The text, or its beginning and an ellipsis where it is wider than `room`.
pub(super) fn shortened(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = width("…", size);
    for mark in text.chars() {
        used += width(mark.encode_utf8(&mut [0; 4]), size);
        if used > room {
            break;
        }
        kept.push(mark);
    }
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// The text in at most `most` lines no wider than `room`, broken between words; what does not fit
/// is shortened.
pub(super) fn lines(text: &str, size: f64, room: f64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let last_allowed = lines.len() >= most;
        match lines.last_mut() {
            Some(line) if last_allowed || width(&format!("{line} {word}"), size) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    for line in &mut lines {
        *line = shortened(line, size, room);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_xml_and_forbidden_characters_do_not_pass() {
        assert_eq!(
            escaped("a<b & \"c\">'"),
            "a&lt;b &amp; &quot;c&quot;&gt;&#39;"
        );
        assert_eq!(escaped("a\u{0}b\nc\u{FFFF}"), "a\u{FFFD}b c\u{FFFD}");
    }

    #[test]
    fn shortened_text_fits_and_short_text_is_kept() {
        assert_eq!(shortened("k = 5", 12.0, 100.0), "k = 5");
        let long = shortened(&"column ".repeat(30), 12.0, 100.0);
        assert!(long.ends_with('…') && width(&long, 12.0) <= 100.0, "{long}");
        assert!(shortened("wide", 12.0, 0.0) == "…");
    }

    #[test]
    fn lines_break_between_words_and_the_last_takes_what_is_left() {
        assert_eq!(lines("one two three", 10.0, 55.0, 9), ["one two", "three"]);
        let two = lines(&"word ".repeat(40), 10.0, 100.0, 2);
        assert_eq!(two.len(), 2);
        assert!(two[1].ends_with('…'));
        assert!(lines("  ", 10.0, 50.0, 3).is_empty());
    }
}
