//! What a refusal advises is followed: the input is taken then, or refused for something else no more.

use std::fs;

use crate::folder::{file, tensors, zeros};
use crate::meant::{checked, with};
use crate::own::{Folder, table, texts, vocabulary};
use crate::sentence::{modules, sentence_encoder};

/// Refused with these words; then, as they say, `follow` mends it, and it is taken.
fn followed(folder: &Folder, words: &[&str], follow: impl FnOnce(&Folder)) {
    let (good, said) = checked(folder);
    assert!(!good, "{words:?} are not said: {said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
    follow(folder);
    let (good, said) = checked(folder);
    assert!(good, "{words:?}: followed, and still refused: {said}");
}

fn experiment(folder: &Folder, from: &str, to: &str) {
    let text = fs::read_to_string(folder.path().join("own.toml")).unwrap();
    assert!(text.contains(from), "{from}");
    folder.write("own.toml", &text.replace(from, to));
}

fn remove(folder: &Folder, name: &str) {
    fs::remove_file(folder.path().join(name)).unwrap();
}

#[test]
fn of_an_encoder() {
    let folder = Folder::new();
    let config = fs::read_to_string(folder.path().join("config.json")).unwrap();
    folder.write("config.json", &with("bert", "\"scale_factor\": 2"));
    followed(
        &folder,
        &["scale_factor = 2", "take the key out of config.json"],
        |folder| {
            folder.write("config.json", &config);
        },
    );
    folder.write("config.json", &config.replace("layers\": 3", "layers\": 2"));
    followed(
        &folder,
        &[
            "the file holds 3 layers",
            "set num_hidden_layers in config.json to the layers of the file",
        ],
        |folder| folder.write("config.json", &config),
    );
    folder.write("adapter_config.json", "{}");
    followed(
        &folder,
        &["take adapter_config.json out of the folder"],
        |folder| {
            remove(folder, "adapter_config.json");
        },
    );
    let mut both = tensors("bert");
    both.insert("bert.embeddings.LayerNorm.gamma".to_owned(), zeros(&[24]));
    fs::write(folder.path().join("model.safetensors"), file(&both)).unwrap();
    followed(
        &folder,
        &["leave one of the two out of the file"],
        |folder| {
            fs::write(
                folder.path().join("model.safetensors"),
                file(&tensors("bert")),
            )
            .unwrap();
        },
    );
    folder.write(
        "config.json",
        &with(
            "bert",
            "\"architectures\": [\"BertForTokenClassification\"]",
        ),
    );
    followed(
        &folder,
        &["without the tensors `classifier.*` the encoder is used bare"],
        |folder| {
            let mut bare = tensors("bert");
            bare.retain(|name, _| !name.starts_with("classifier."));
            fs::write(folder.path().join("model.safetensors"), file(&bare)).unwrap();
        },
    );
    experiment(&folder, "tokens = 14", "tokens = 17");
    followed(
        &folder,
        &["must be from 2 to 16", "leave the key out"],
        |folder| {
            experiment(folder, "tokens = 17\n", "");
            // Two points of the sweep fit any length.
        },
    );
}

#[test]
fn of_a_sentence_encoder() {
    let folder = sentence_encoder();
    modules(&folder, &[("Transformer", ""), ("Pooling", "1_Pooling")]);
    folder.write("1_Pooling/config.json", "{\"pooling_mode\": \"max\"}");
    followed(&folder, &["set model.pooling = { mean = {} }"], |folder| {
        experiment(
            folder,
            "tokens = 14",
            "tokens = 14\npooling = { mean = {} }",
        );
    });
    let (_, said) = checked(&folder);
    assert!(
        said.contains("asks for another pooling than `model.pooling`"),
        "{said}"
    );
    folder.write(
        "1_Pooling/config.json",
        "{\"pooling_mode\": \"mean\", \"include_prompt\": false}",
    );
    let prompts = "config_sentence_transformers.json";
    folder.write(
        prompts,
        "{\"prompts\": {\"q\": \"w1\"}, \"default_prompt_name\": \"q\"}",
    );
    followed(
        &folder,
        &["set default_prompt_name in config_sentence_transformers.json to null"],
        |folder| {
            folder.write(
                prompts,
                "{\"prompts\": {\"q\": \"w1\"}, \"default_prompt_name\": null}",
            );
        },
    );
    folder.write(prompts, "{\"mystery\": 1}");
    followed(
        &folder,
        &["mystery = 1", "take the key out of the file"],
        |folder| {
            folder.write(prompts, "{}");
        },
    );
    modules(&folder, &[("Transformer", ""), ("LSTM", "1_LSTM")]);
    followed(
        &folder,
        &[
            "1_LSTM is not computed",
            "take modules.json out of its folder",
        ],
        |folder| {
            remove(folder, "modules.json");
        },
    );
}

#[test]
fn of_a_tokenizer() {
    let folder = Folder::new();
    folder.write("vocab.txt", &vocabulary(50).replace("w7\n", "Word\n"));
    followed(
        &folder,
        &["its tokenizer_config.json with do_lower_case = true or false"],
        |folder| {
            folder.write("tokenizer_config.json", "{\"do_lower_case\": false}");
        },
    );
    folder.write(
        "tokenizer_config.json",
        "{\"truncation_side\": \"left\", \"do_lower_case\": true}",
    );
    followed(&folder, &["set truncation_side to \"right\""], |folder| {
        folder.write(
            "tokenizer_config.json",
            "{\"truncation_side\": \"right\", \"do_lower_case\": true}",
        );
    });
    // Other words beside a tokenizer.json.
    let ids = vocabulary(50);
    let ids: serde_json::Map<String, serde_json::Value> = ids
        .lines()
        .enumerate()
        .map(|(at, word)| (word.to_owned(), at.into()))
        .collect();
    let tree = |frame: serde_json::Value| {
        serde_json::json!({
            "added_tokens": [], "version": "1.0",
            "normalizer": {"type": "BertNormalizer", "clean_text": true,
                "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": frame,
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": &ids},
        })
        .to_string()
    };
    let bert =
        serde_json::json!({"type": "BertProcessing", "cls": ["[CLS]", 2], "sep": ["[SEP]", 3]});
    folder.write("tokenizer.json", &tree(bert));
    folder.write("tokenizer_config.json", "{\"do_lower_case\": false}");
    followed(
        &folder,
        &["normalizer.lowercase = true", "set do_lower_case to true"],
        |folder| {
            folder.write("tokenizer_config.json", "{\"do_lower_case\": true}");
        },
    );
    let mark = serde_json::json!({"SpecialToken": {"id": "[CLS]", "type_id": 0}});
    let wide = serde_json::json!({"type": "TemplateProcessing",
        "single": [mark, mark, mark, {"Sequence": {"id": "A", "type_id": 0}}],
        "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}}});
    folder.write("tokenizer.json", &tree(wide));
    experiment(&folder, "tokens = 14", "tokens = 3");
    experiment(&folder, "[1, 4]", "[1]");
    followed(
        &folder,
        &[
            "puts 3 tokens around every text",
            "set model.tokens from 4 to 16",
        ],
        |folder| {
            experiment(folder, "tokens = 3", "tokens = 9");
        },
    );
    // A limit of its own.
    folder.write("tokenizer_config.json", "{\"model_max_length\": 5}");
    let (_, said) = checked(&folder);
    assert!(
        said.contains("with `model.tokens` = 5 they are cut so here"),
        "{said}"
    );
    experiment(&folder, "tokens = 9", "tokens = 5");
    let (good, said) = checked(&folder);
    assert!(good && !said.contains("own files cut"), "{said}");
}

#[test]
fn of_a_table() {
    let folder = Folder::new();
    folder.write("test.csv", "label,text\n0,w1 w2\n1,w3, w4\n");
    followed(
        &folder,
        &[
            "row 3: has 3 fields",
            "put texts that hold a comma in quotes",
        ],
        |folder| {
            folder.write("test.csv", "label,text\n0,w1 w2\n1,\"w3, w4\"\n");
        },
    );
    folder.write("test.csv", "label,text\n0,\"w1\" w2\n1,w4\n");
    followed(
        &folder,
        &["double a quote that belongs to a text and put the whole text in quotes"],
        |folder| {
            folder.write("test.csv", "label,text\n0,\"\"\"w1\"\" w2\"\n1,w4\n");
        },
    );
    folder.write("test.csv", "label;text\n0;w1 w2\n1;w3 w4\n");
    followed(
        &folder,
        &["the first line names the columns, between commas or tabs: label,text"],
        |folder| {
            folder.write("test.csv", "label\ttext\n0\tw1 w2\n1\tw3 w4\n");
        },
    );
    let half: Vec<_> = texts(100, 9).into_iter().chain(texts(0, 9)).collect();
    folder.write("test.csv", &table(&texts(0, 40)));
    folder.write("train.csv", &table(&half));
    followed(
        &folder,
        &[
            "9 of its 18 rows are measured too",
            "leave them out of one of the two sets",
        ],
        |folder| {
            folder.write("test.csv", &table(&texts(9, 31)));
        },
    );
    folder.write("train.csv", &table(&half[..3]));
    followed(
        &folder,
        &[
            "holds 3 rows that are not measured, and 4 are asked for",
            "set `task.calibration_samples` to at most 3",
        ],
        |folder| {
            experiment(folder, "calibration_samples = 4", "calibration_samples = 3");
        },
    );
    // Every row shares a first sentence with what is measured: no smaller number is advised, for none would do.
    let folder = sentence_encoder();
    let shared = |at: usize| format!("w{at} w{} w3,w{} w9,{}\n", at + 1, (at * 7) % 45, at % 6);
    let own = fs::read_to_string(folder.path().join("train.csv")).unwrap();
    let header = "sentence1,sentence2,score\n".to_owned();
    folder.write(
        "train.csv",
        &(header + &(0..20).map(shared).collect::<String>()),
    );
    followed(
        &folder,
        &[
            "holds 0 rows whose first sentence is not measured, and 4 are asked for; name another file",
        ],
        |folder| folder.write("train.csv", &own),
    );
    let folder = sentence_encoder();
    let glue = |header: &str| {
        let line =
            |at: usize| format!("{at}\tg\tf\t2012\t{at}\ta\tb\tw{at} w2\tw1\t{}.5\n", at % 5);
        format!("{header}{}", (0..20).map(line).collect::<String>())
    };
    folder.write("test.csv", &glue(""));
    followed(
        &folder,
        &[
            "row 1: has 10 fields",
            "name the columns in a first line, score, sentence1, sentence2 among them",
        ],
        |folder| {
            let header = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n";
            folder.write("test.csv", &glue(header));
        },
    );
}
