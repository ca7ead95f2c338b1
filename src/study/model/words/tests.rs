//! Ids of small vocabularies, and tokenizers of another kind.

use super::*;

const VOCABULARY: &str =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\nhello\n,\n北\nsigma";

#[test]
fn the_longest_known_piece_goes_first() {
    let words = Words::uncased(VOCABULARY).unwrap();
    assert_eq!(words.encode("Unaffable", 16), [2, 5, 6, 7, 3]);
    assert_eq!(words.encode("unaffables", 16), [2, 1, 3]);
    assert_eq!(words.encode("Hélló,北hello", 16), [2, 8, 9, 10, 8, 3]);
    assert_eq!(words.encode("hello[MASK]", 16), [2, 8, 4, 3]);
    assert_eq!(words.encode("", 16), [2, 3]);
}

#[test]
fn a_cased_vocabulary_keeps_capitals_and_accents_where_that_is_said() {
    let cased = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nHello\nhello\nh\u{e9}";
    let manner = |text: &str| Manner::read(text.as_bytes()).unwrap();
    let ids = |text: &str, settings: &str| {
        let words = Words::listed(cased, manner(settings)).unwrap();
        words.encode(text, 16)
    };
    let text = "Hello hello h\u{e9}";
    assert_eq!(ids(text, r#"{"do_lower_case": false}"#), [2, 5, 6, 7, 3]);
    assert_eq!(ids(text, r#"{"do_lower_case": true}"#), [2, 6, 6, 1, 3]);
    let both = r#"{"do_lower_case": true, "strip_accents": false}"#;
    assert_eq!(ids(text, both), [2, 6, 6, 7, 3]);
    let said = Words::listed(cased, manner("{}")).unwrap_err().0;
    assert!(
        said[0]
            .to_string()
            .starts_with("line 6 = \"Hello\": the vocabulary has capitals"),
        "{}",
        said[0]
    );
    let said = Manner::read(br#"{"do_lower_case": "no"}"#).unwrap_err().0;
    assert_eq!(said.len(), 1);
    assert!(
        said[0]
            .to_string()
            .starts_with("do_lower_case = \"no\": must be true or false")
    );
    assert_eq!(
        Words::listed(VOCABULARY, Manner::default()),
        Words::uncased(VOCABULARY)
    );
}

#[test]
fn a_long_text_is_cut_before_its_end_mark() {
    let words = Words::uncased(VOCABULARY).unwrap();
    assert_eq!(words.encode(&"hello ".repeat(50), 4), [2, 8, 8, 3]);
}

#[test]
fn a_tokenizer_of_another_kind_is_refused_by_name() {
    let tree = r#"{"model": {"type": "BPE"}, "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "ByteLevel"}, "post_processor": {"type": "ByteLevel"}}"#;
    let said = Words::read(tree.as_bytes()).unwrap_err();
    assert_eq!(said.0.len(), 4);
    assert!(
        said.0[0]
            .to_string()
            .starts_with("model.type = \"BPE\": this one is not computed: only WordPiece")
    );
    assert!(Words::uncased("a\nb").is_err());
    assert!(Words::read(b"{").is_err());
}
