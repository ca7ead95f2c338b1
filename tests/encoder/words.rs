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
        "added_tokens": special.map(|(word, id)| serde_json::json!({"content": word, "id": id})),
        "normalizer": {"type": "BertNormalizer", "clean_text": true,
            "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing"},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": ids},
    });
    let written = Words::read(tree.to_string().as_bytes()).unwrap();
    assert_eq!(written, minilm_words());
    let fetched = root().join("data/fetched/minilm/tokenizer.json");
    if let Ok(text) = fs::read(fetched) {
        assert_eq!(Words::read(&text).unwrap(), minilm_words());
    }
}
