//! Token ids against those of the Hugging Face tokenizer.

use std::fs;

use topkima::study::model::Words;

use crate::setup::{minilm_words, reference, root};

#[test]
fn ids_of_tricky_texts_are_the_originals() {
    let text = fs::read_to_string(reference("words.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert!(cases.len() > 20);
    let words = minilm_words();
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        assert_eq!(words.encode(text, 10_000), ids, "{text:?}");
    }
}

/// The two forms in which a vocabulary comes; the second one is fetched, so it may be missing.
#[test]
fn a_tokenizer_json_says_what_a_vocabulary_says() {
    let vocabulary = fs::read_to_string(root().join("data/minilm/vocab.txt")).unwrap();
    let ids: serde_json::Map<String, serde_json::Value> = vocabulary
        .lines()
        .zip(0_u32..)
        .map(|(word, id)| (word.to_owned(), id.into()))
        .collect();
    let special = [
        ("[PAD]", 0),
        ("[UNK]", 100),
        ("[CLS]", 101),
        ("[SEP]", 102),
        ("[MASK]", 103),
    ];
    let tree = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": special.map(|(word, id)| serde_json::json!({"content": word, "id": id})),
        "normalizer": {"type": "BertNormalizer", "clean_text": true,
            "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 101], "sep": ["[SEP]", 102]},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": ids},
    });
    let written = Words::read(tree.to_string().as_bytes()).unwrap();
    assert_eq!(written, minilm_words());
    let fetched = root().join("data/fetched/minilm/tokenizer.json");
    if let Ok(text) = fs::read(fetched) {
        let mut fetched = Words::read(&text).unwrap();
        // It cuts texts itself, to half of what the encoder was trained with.
        assert_eq!(fetched.limit.take(), Some(128));
        assert_eq!(fetched, minilm_words());
    }
}

/// Flags of added words, frames, normalisers and sizes, by tokenizers 0.23.3; see scripts/make_tokenizers.py.
#[test]
fn ids_of_other_tokenizers_are_the_originals() {
    let text = fs::read_to_string(reference("tokenizers.json")).unwrap();
    let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(whole["tokenizers"], "0.23.3");
    let made = whole["made"].as_array().unwrap();
    assert_eq!(made.len(), 19);
    for one in made {
        let words = Words::read(one["tokenizer"].to_string().as_bytes()).unwrap();
        for case in one["cases"].as_array().unwrap() {
            let text = case["text"].as_str().unwrap();
            let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
            assert_eq!(words.whole(text), ids, "{}: {text:?}", one["name"]);
        }
    }
}

/// A cut text keeps its frame.
#[test]
fn a_cut_text_keeps_what_stands_around_it() {
    let text = fs::read_to_string(reference("tokenizers.json")).unwrap();
    let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (name, longest, wanted) in [
        ("plain", 4, &[2, 57, 22, 3][..]),
        ("no end mark", 3, &[2, 57, 22]),
        ("two marks", 4, &[2, 4, 57, 3]),
        ("no frame", 2, &[57, 22]),
    ] {
        let made = whole["made"].as_array().unwrap();
        let one = made.iter().find(|one| one["name"] == name).unwrap();
        let words = Words::read(one["tokenizer"].to_string().as_bytes()).unwrap();
        assert_eq!(words.encode("the R on a cat", longest), wanted, "{name}");
    }
}

#[test]
fn what_a_tokenizer_holds_and_is_not_computed_is_refused_by_name() {
    let text = fs::read_to_string(reference("tokenizers.json")).unwrap();
    let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
    let plain = whole["made"][1]["tokenizer"].clone();
    assert!(Words::read(plain.to_string().as_bytes()).is_ok());
    for (at, value, wanted) in [
        (
            "/version",
            "\"2.0\"",
            "version = \"2.0\": this key or value is not known",
        ),
        (
            "/model/type",
            "\"BPE\"",
            "model.type = \"BPE\": this one is not computed: only WordPiece",
        ),
        (
            "/normalizer",
            "null",
            "normalizer.type = null: this one is not computed",
        ),
        (
            "/normalizer/type",
            "\"Sequence\"",
            "normalizer.type = \"Sequence\"",
        ),
        (
            "/normalizer/lowercase",
            "1",
            "normalizer.lowercase = 1: must be true or false",
        ),
        (
            "/pre_tokenizer/type",
            "\"Whitespace\"",
            "pre_tokenizer.type",
        ),
        (
            "/post_processor/type",
            "\"Sequence\"",
            "post_processor.type",
        ),
        (
            "/post_processor/single/1/Sequence/type_id",
            "1",
            "post_processor.single",
        ),
        (
            "/post_processor/single/1/Sequence/id",
            "\"B\"",
            "post_processor.single",
        ),
        (
            "/post_processor/special_tokens",
            "{}",
            "post_processor.single",
        ),
        (
            "/model/unk_token",
            "\"<unk>\"",
            "model.unk_token = \"<unk>\": the vocabulary has no such word",
        ),
        (
            "/model/max_input_chars_per_word",
            "null",
            "model.max_input_chars_per_word",
        ),
        (
            "/added_tokens/5/id",
            "99",
            "added_tokens.added token `ReRAM` = 99: its number is 70",
        ),
        ("/added_tokens/5/lstrip", "2", "added_tokens[5].lstrip = 2"),
        (
            "/truncation",
            "{\"direction\": \"Left\", \"max_length\": 8}",
            "truncation.direction = \"Left\"",
        ),
    ] {
        let mut tree = plain.clone();
        *tree.pointer_mut(at).unwrap() = serde_json::from_str(value).unwrap();
        let said = Words::read(tree.to_string().as_bytes()).unwrap_err().0;
        let is_named = said
            .iter()
            .any(|mistake| mistake.to_string().starts_with(wanted));
        assert!(is_named, "{at}: {said:?}");
    }
    let mut more = plain.clone();
    more["model"]["dropout"] = 0.1.into();
    let said = Words::read(more.to_string().as_bytes()).unwrap_err().0;
    assert!(
        said[0]
            .to_string()
            .starts_with("model.dropout = 0.1: this key"),
        "{said:?}"
    );
    more = plain;
    more["added_tokens"][5]["case"] = true.into();
    let said = Words::read(more.to_string().as_bytes()).unwrap_err().0;
    assert!(
        said[0]
            .to_string()
            .starts_with("added_tokens[5].case = true"),
        "{said:?}"
    );
}

#[test]
fn what_stands_beside_a_vocabulary_is_used_or_refused() {
    use topkima::study::model::Manner;
    let list = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n##re\ncat";
    let read = |settings: &str| {
        let manner = Manner::read(settings.as_bytes())?;
        Words::listed(list, manner)
    };
    // An added word with its flags.
    let added = r#"{"added_tokens_decoder": {"8": {"content": "ReRAM", "normalized": true}}}"#;
    assert_eq!(read(added).unwrap().whole("the reram CAT"), [2, 5, 8, 7, 3]);
    for (settings, wanted) in [
        (
            r#"{"truncation_side": "left"}"#,
            "truncation_side = \"left\": a long text is cut at its end",
        ),
        (
            r#"{"never_split": ["cat"]}"#,
            "never_split = [\"cat\"]: words that are never cut",
        ),
        (
            r#"{"do_basic_tokenize": false}"#,
            "do_basic_tokenize = false",
        ),
        (
            r#"{"cls_token": "<s>"}"#,
            "cls_token = \"<s>\": is not among the words that stand for themselves",
        ),
        (
            r#"{"additional_special_tokens": ["cat"]}"#,
            "additional_special_tokens = \"cat\": is not among",
        ),
        (
            r#"{"added_tokens_decoder": {"9": {"content": "ReRAM"}}}"#,
            "added token `ReRAM` = 9: its number is 8",
        ),
        (
            r#"{"added_tokens_decoder": {"8": {"content": "ReRAM", "case": 1}}}"#,
            "added_tokens_decoder.8.case = 1: this key",
        ),
    ] {
        let said = read(settings).unwrap_err().0;
        assert!(
            said[0].to_string().starts_with(wanted),
            "{settings}: {said:?}"
        );
    }
    let manner =
        Manner::read(br#"{"model_max_length": 512, "mystery": 1, "do_lower_case": true}"#).unwrap();
    assert_eq!(manner.limit, Some(512));
    let notes = manner.notices.of(topkima::base::notice::Weight::Note);
    assert_eq!(
        notes,
        ["tokenizer_config.json: the key `mystery` is not used"]
    );
    let mut named = Manner::default();
    named
        .read_special(br#"{"sep_token": {"content": "</s>", "lstrip": false}}"#)
        .unwrap();
    assert!(Words::listed(list, named).is_err());
    // Words that are there, each in the other's place.
    for (said, key) in [
        (&br#"{"cls_token": "[SEP]"}"#[..], "cls_token"),
        (br#"{"sep_token": "[CLS]"}"#, "sep_token"),
        (br#"{"unk_token": "[SEP]"}"#, "unk_token"),
    ] {
        let mut swapped = Manner::default();
        swapped.read_special(said).unwrap();
        let wrong = Words::listed(list, swapped).unwrap_err();
        assert_eq!(
            (wrong.0.len(), wrong.0[0].key.as_str()),
            (1, key),
            "{wrong:?}"
        );
    }
    let mut numbered = Manner::default();
    numbered.read_added(br#"{"reram": 8}"#).unwrap();
    assert_eq!(
        Words::listed(list, numbered).unwrap().whole("ReRAM"),
        [2, 8, 3]
    );
}

/// A byte order mark is no part of the first word, words that are not known have their share, and a tokenizer that cuts
/// texts in another way is told.
#[test]
fn a_vocabulary_says_what_it_does_not_know() {
    use crate::meant::checked;
    use crate::own::{Folder, table, texts, vocabulary};
    let folder = Folder::new();
    let (_, said) = checked(&folder);
    assert!(!said.contains("stand for words"), "{said}");
    folder.write("vocab.txt", &format!("\u{feff}{}", vocabulary(50)));
    crate::meant::taken(&folder);
    // Of 40 texts of 2 to 11 words and two marks each, 260 words and 340 tokens.
    for (unknown, weight, share) in [(4, "note", "1.2"), (40, "warning", "11.8")] {
        let mut rows = texts(0, 40);
        for (text, _) in rows.iter_mut().take(unknown) {
            let (_, rest) = text.split_once(' ').unwrap();
            *text = format!("strange {rest}");
        }
        folder.write("test.csv", &table(&rows));
        let (good, said) = checked(&folder);
        assert!(
            good && said.contains(&format!("{weight}: {unknown} of 340 tokens of the samples ({share} %) stand for words that the vocabulary does not hold")),
            "{said}"
        );
    }
    for (class, told) in [
        ("BertTokenizerFast", false),
        ("BertJapaneseTokenizer", true),
    ] {
        folder.write(
            "tokenizer_config.json",
            &format!("{{\"tokenizer_class\": \"{class}\"}}"),
        );
        let (_, said) = checked(&folder);
        assert_eq!(
            said.contains(&format!("tokenizer_class = \"{class}\": texts are cut")),
            told,
            "{said}"
        );
    }
}
