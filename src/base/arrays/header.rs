//! The text of a `.npy` header: a Python dictionary literal with three known keys.
//!
//! It has a scanner of its own because a general reader of Python literals recurses as deep as a
//! file has brackets.

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The type string, or the whole list of a structured type.
    pub(super) dtype: String,
    /// Whether the first index runs fastest.
    pub(super) fortran: bool,
    /// Length of each dimension.
    pub(super) shape: Vec<u64>,
}

/// The three keys of a header, in any order; or what the text is not.
pub(super) fn dictionary(text: &str) -> Result<Header, &'static str> {
    let (mut dtype, mut fortran, mut shape) = (None, None, None);
    let mut scan = Scan(text);
    if !scan.eat('{') {
        return Err("it is not a Python dictionary");
    }
    while !scan.eat('}') {
        let key = scan.quoted().ok_or("a key of it is not quoted text")?;
        if !scan.eat(':') {
            return Err("a key of it is not followed by `:`");
        }
        match key {
            "descr" => dtype = Some(scan.dtype().ok_or("`descr` is not a type")?),
            "fortran_order" => {
                fortran = match scan.word() {
                    "True" => Some(true),
                    "False" => Some(false),
                    _ => return Err("`fortran_order` is neither True nor False"),
                }
            }
            "shape" => {
                shape = Some(
                    scan.shape()
                        .ok_or("`shape` is not a tuple of whole numbers below 2^64")?,
                );
            }
            _ => return Err("it has a key other than `descr`, `fortran_order` and `shape`"),
        }
        if !scan.eat(',') && !scan.0.trim_start().starts_with('}') {
            return Err("its values are not parted by `,`");
        }
    }
    Ok(Header {
        dtype: dtype.ok_or("`descr` is missing")?.to_owned(),
        fortran: fortran.ok_or("`fortran_order` is missing")?,
        shape: shape.ok_or("`shape` is missing")?,
    })
}

/// What is left of a header's text.
struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    fn eat(&mut self, mark: char) -> bool {
        match self.0.trim_start().strip_prefix(mark) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn quoted(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|mark| "'\"".contains(*mark))?;
        let (inside, rest) = text[1..].split_once(quote)?;
        self.0 = rest;
        Some(inside)
    }

    fn word(&mut self) -> &'a str {
        let text = self.0.trim_start();
        let end = text
            .find(|mark: char| !mark.is_ascii_alphanumeric())
            .unwrap_or(text.len());
        self.0 = &text[end..];
        &text[..end]
    }

    /// A type string, or the whole list of a structured type, which the caller will refuse by it.
    fn dtype(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        if !text.starts_with('[') {
            return self.quoted();
        }
        let (list, rest) = text.split_at(text.rfind(']')? + 1);
        self.0 = rest;
        Some(list)
    }

    fn shape(&mut self) -> Option<Vec<u64>> {
        if !self.eat('(') {
            return None;
        }
        let mut shape = Vec::new();
        while !self.eat(')') {
            // Python 2 wrote long integers with an `L`.
            shape.push(self.word().trim_end_matches('L').parse().ok()?);
            if !self.eat(',') && !self.0.trim_start().starts_with(')') {
                return None;
            }
        }
        Some(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_numpy_writes_is_read_in_any_order_and_spacing() {
        let header = Header {
            dtype: "<f4".to_owned(),
            fortran: false,
            shape: vec![2, 3],
        };
        for text in [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n",
            "{'shape':(2,3),'descr':'<f4','fortran_order':False}",
            " { \"shape\" : ( 2L , 3L , ) , \"fortran_order\" : False, 'descr' : \"<f4\" } ",
        ] {
            assert_eq!(dictionary(text).as_ref(), Ok(&header), "{text}");
        }
        let scalar = dictionary("{'descr': '<f4', 'fortran_order': True, 'shape': ()}").unwrap();
        assert!(scalar.fortran && scalar.shape.is_empty());
    }

    #[test]
    fn the_problem_is_named() {
        for (text, problem) in [
            ("", "dictionary"),
            ("[]", "dictionary"),
            ("{", "key"),
            ("{descr: 1}", "quoted"),
            ("{'descr' '<f4'}", "`:`"),
            ("{'descr': 4}", "`descr`"),
            ("{'descr': '<f4' 'shape': ()}", "`,`"),
            ("{'fortran_order': 0}", "True nor False"),
            ("{'shape': 3}", "tuple"),
            ("{'shape': (-1,)}", "tuple"),
            ("{'shape': (18446744073709551616,)}", "2^64"),
            ("{'shape': (3 4)}", "tuple"),
            ("{'colour': 'red'}", "other than"),
            (
                "{'descr': '<f4', 'fortran_order': False}",
                "`shape` is missing",
            ),
        ] {
            let found = dictionary(text).unwrap_err();
            assert!(found.contains(problem), "{text}: {found}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,60}", marks in "[{}()\\[\\]'\",: Lé0-9a-z\n]{0,80}") {
            let _ = dictionary(&text);
            let _ = dictionary(&marks);
            let _ = dictionary(&format!("{{'descr': {marks}}}"));
            let _ = dictionary(&format!("{{'shape': ({marks}"));
        }
    }
}
