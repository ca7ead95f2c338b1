//! What would not be computed as it is meant is refused by file, key and value.

use std::fs;
use std::process::Command;

use safetensors::tensor::{Dtype, TensorView};
use topkima::base::mistake::Mistake;
use topkima::study::model::{Encoder, EncoderShape, Manner, Pooling, Words};

use crate::own::{Folder, on_vit, own_encoder, vocabulary};
use crate::setup::{encoder, reference, root};

/// What `check` says of the folder's experiment, and whether it takes it.
pub fn checked(folder: &Folder) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_topkima"))
        .arg("check")
        .arg(folder.path().join("own.toml"))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

pub fn taken(folder: &Folder) {
    let (taken, said) = checked(folder);
    assert!(taken, "{said}");
}

/// The config of a small encoder with one more key.
pub fn with(family: &str, key: &str) -> String {
    let text = fs::read_to_string(reference(family).join("config.json")).unwrap();
    text.replacen('{', &format!("{{{key},"), 1)
}

#[test]
fn a_decoder_is_refused_and_an_encoder_that_says_so_is_taken() {
    let folder = Folder::new();
    for (key, words) in [
        (
            "\"is_decoder\": true",
            "is_decoder = true: a decoder's token looks at those before it alone",
        ),
        (
            "\"add_cross_attention\": true",
            "add_cross_attention = true: attention to a second text is not computed",
        ),
        (
            "\"position_embedding_type\": \"relative_key_query\"",
            "position_embedding_type = \"relative_key_query\": this one is not computed: only \"absolute\"",
        ),
    ] {
        folder.write("config.json", &with("bert", key));
        folder.refuses(&["config.json", words, "take "]);
    }
    let both = "\"is_decoder\": false, \"add_cross_attention\": false";
    folder.write("config.json", &with("bert", both));
    taken(&folder);
}

#[test]
fn layers_of_the_weights_that_the_config_does_not_count_are_refused() {
    for (family, from, to, words) in [
        (
            "bert",
            "\"num_hidden_layers\": 3",
            "\"num_hidden_layers\": 2",
            "bert.encoder.layer.2.attention.output.LayerNorm.bias: the file holds 3 layers, and config.json has num_hidden_layers = 2; set num_hidden_layers",
        ),
        (
            "distilbert",
            "\"n_layers\": 2",
            "\"n_layers\": 1",
            "distilbert.transformer.layer.1.attention.k_lin.bias: the file holds 2 layers, and config.json has n_layers = 1",
        ),
        (
            "vit",
            "\"num_hidden_layers\": 2",
            "\"num_hidden_layers\": 1",
            "vit.encoder.layer.1.attention.attention.key.bias: the file holds 2 layers",
        ),
    ] {
        let config = fs::read_to_string(reference(family).join("config.json")).unwrap();
        assert!(config.contains(from));
        let shape = EncoderShape::read(config.replace(from, to).as_bytes()).unwrap();
        let bytes = fs::read(reference(family).join("model.safetensors")).unwrap();
        let said = Encoder::assemble(&shape, Pooling::Class {}, &bytes).unwrap_err();
        assert_eq!(said.0.len(), 1, "{said:?}");
        assert!(said.0[0].to_string().starts_with(words), "{}", said.0[0]);
    }
    let folder = Folder::new();
    let config = fs::read_to_string(folder.path().join("config.json")).unwrap();
    folder.write("config.json", &config.replace("layers\": 3", "layers\": 2"));
    folder.refuses(&["model.safetensors", "the file holds 3 layers"]);
}

/// A block of either family has 16 tensors: those of the first that is missing are named, and the count, however many
/// more are missing.
#[test]
fn of_layers_that_the_weights_lack_the_first_is_told_with_their_count() {
    for (family, key, held, asked, block) in [
        ("bert", "num_hidden_layers", 3, 4, "bert.encoder.layer.3"),
        ("bert", "num_hidden_layers", 3, 99, "bert.encoder.layer.3"),
        (
            "distilbert",
            "n_layers",
            2,
            3,
            "distilbert.transformer.layer.2",
        ),
    ] {
        let config = fs::read_to_string(reference(family).join("config.json")).unwrap();
        let [from, to] = [held, asked].map(|layers| format!("\"{key}\": {layers}"));
        assert!(config.contains(&from));
        let shape = EncoderShape::read(config.replace(&from, &to).as_bytes()).unwrap();
        let bytes = fs::read(reference(family).join("model.safetensors")).unwrap();
        let said = Encoder::assemble(&shape, Pooling::Class {}, &bytes).unwrap_err();
        assert_eq!(said.0.len(), 17, "{said:?}");
        let is_of_block =
            |one: &Mistake| one.key == block || one.key.starts_with(&format!("{block}."));
        assert!(said.0.iter().all(is_of_block), "{said:?}");
        let wanted = format!(
            "{block}: the file holds {held} layers, and config.json has {key} = {asked}; set {key}"
        );
        let counted = said
            .0
            .iter()
            .filter(|one| one.to_string().starts_with(&wanted));
        assert_eq!(counted.count(), 1, "{said:?}");
    }
}

#[test]
fn a_classifier_of_tokens_tells_no_texts_apart() {
    let folder = Folder::new();
    for name in ["BertForTokenClassification", "BertForQuestionAnswering"] {
        let key = format!("\"architectures\": [\"{name}\"]");
        folder.write("config.json", &with("bert", &key));
        folder.refuses(&[
            "config.json",
            &format!("architectures = \"{name}\": the classifier of model.safetensors"),
            "only that of BertForSequenceClassification is",
            "take weights of that architecture",
        ]);
    }
    for name in ["BertForSequenceClassification", "BertModel"] {
        let key = format!("\"architectures\": [\"{name}\"]");
        folder.write("config.json", &with("bert", &key));
        taken(&folder);
    }
}

/// Such weights lack the pooler, too, and as an embedder need neither.
#[test]
fn a_head_that_is_not_computed_is_left_out_of_an_embedder() {
    let key = "\"architectures\": [\"DistilBertForMaskedLM\"]";
    let shape = EncoderShape::read(with("distilbert", key).as_bytes()).unwrap();
    let bytes = fs::read(reference("distilbert").join("model.safetensors")).unwrap();
    let other = Encoder::assemble(&shape, Pooling::Mean {}, &bytes).unwrap();
    assert_eq!(other.other_head.as_deref(), Some("DistilBertForMaskedLM"));
    assert!(other.classifier.is_none());
    let whole = encoder(&reference("distilbert"), Pooling::Mean {});
    assert!(whole.other_head.is_none() && whole.classifier.is_some());
    assert_eq!(other.embedding, whole.embedding);

    // Without a classifier in the file there is nothing to be misused.
    let folder = Folder::new();
    own_encoder(folder.path(), "distilbert", 40);
    let config = with("distilbert", key);
    folder.write("config.json", &config);
    folder.refuses(&["architectures = \"DistilBertForMaskedLM\""]);
    let mut bytes = bytes;
    for (name, other) in [
        (&b"\"classifier.weight\""[..], &b"\"qa_outputs.weight\""[..]),
        (b"\"classifier.bias\"", b"\"qa_outputs.bias\""),
    ] {
        let at = bytes.windows(name.len()).position(|window| window == name);
        bytes[at.unwrap()..at.unwrap() + name.len()].copy_from_slice(other);
    }
    fs::write(folder.path().join("model.safetensors"), bytes).unwrap();
    for (name, first) in [("test.csv", 0), ("train.csv", 12)] {
        let rows = (first..first + 12).map(|at| format!("w{at} w3,{}\n", at % 2));
        let rows: String = rows.collect();
        folder.write(name, &format!("text,label\n{rows}"));
    }
    taken(&folder);
}

#[test]
fn capitals_of_a_vocabulary_are_kept_or_refused_and_never_lost() {
    let folder = Folder::new();
    folder.write("vocab.txt", &vocabulary(50).replace("w7\n", "Word\n"));
    folder.refuses(&[
        "vocab.txt",
        "line 13 = \"Word\": the vocabulary has capitals",
        "add the model's tokenizer.json, or its tokenizer_config.json with do_lower_case",
    ]);
    for said in ["true", "false"] {
        let settings = format!("{{\"do_lower_case\": {said}, \"cls_token\": \"[CLS]\"}}");
        folder.write("tokenizer_config.json", &settings);
        taken(&folder);
    }
    folder.write("tokenizer_config.json", "{\"do_lower_case\": 1}");
    folder.refuses(&[
        "tokenizer_config.json",
        "do_lower_case = 1: must be true or false",
    ]);
    folder.write("tokenizer_config.json", "[]");
    folder.refuses(&["tokenizer_config.json", "is not a table of JSON"]);
}

#[test]
fn the_shipped_vocabulary_is_uncased_and_needs_nobody_to_say_so() {
    let text = fs::read_to_string(root().join("data/minilm/vocab.txt")).unwrap();
    let silent = Words::listed(&text, Manner::default()).unwrap();
    assert_eq!(silent, Words::uncased(&text).unwrap());
}

#[test]
fn a_probe_that_lies_on_its_side_is_blamed_itself() {
    let folder = Folder::new();
    let mails = root().join("data/mails/mails.npz");
    fs::copy(mails, folder.path().join("mails.npz")).unwrap();
    let text = fs::read_to_string(folder.path().join("own.toml")).unwrap();
    let (before, after) = text.split_once("[task.classify]").unwrap();
    let (_, after) = after.split_once("[device]").unwrap();
    folder.write(
        "own.toml",
        &format!("{before}[task.mails]\npath = \".\"\n[device]{after}"),
    );
    let probe = |weight: &[usize], bias: usize| {
        let bytes = vec![0; 4 * weight.iter().product::<usize>()];
        let tensor = |shape: &[usize]| {
            let length = 4 * shape.iter().product::<usize>();
            TensorView::new(Dtype::F32, shape.to_vec(), &bytes[..length]).unwrap()
        };
        let tensors = [("weight", tensor(weight)), ("bias", tensor(&[bias]))];
        let file = safetensors::serialize(tensors, None).unwrap();
        fs::write(folder.path().join("probe.safetensors"), file).unwrap();
        let (_, said) = checked(&folder);
        assert!(!said.contains("config.json"), "{said}");
        said
    };
    let said = probe(&[24, 2], 2);
    assert!(
        said.contains("probe.safetensors: weight: has shape [24, 2]; it must be [classes, 24]"),
        "{said}"
    );
    let said = probe(&[2, 24], 3);
    assert!(
        said.contains("probe.safetensors: bias: has shape [3]; it must be [classes]"),
        "{said}"
    );
    // A probe that fits is not told of, whatever else the mails may lack.
    assert!(!probe(&[2, 24], 2).contains("probe.safetensors"));
}

/// The weights that were trained for two tiles and with rounded operands, on hardware that has and
/// has not such tiles.
#[test]
fn weights_trained_for_other_hardware_are_warned_of() {
    let folder = Folder::new();
    let said = |weights: &str, bitlines: usize| {
        let experiment = on_vit(&format!("[crossbar]\nbitlines = {bitlines}\n"))
            .replace("plain-seed1", weights)
            .replace("samples = 500", "samples = 20");
        folder.write("own.toml", &experiment);
        let (taken, said) = checked(&folder);
        assert!(taken, "{said}");
        said
    };
    let split = "trained with k shared out to tiles as 3+2 of 34+16";
    let rounded = "trained with rounded operands";
    let own = said("k3+2-kept-seed1", 34);
    assert!(!own.contains("was trained"), "{own}");
    let whole = said("k3+2-kept-seed1", 50);
    assert!(whole.contains(split), "{whole}");
    assert!(whole.contains("as its own tiles do, 5 of 50"), "{whole}");
    assert!(!whole.contains(rounded), "{whole}");
    let qat = said("k5-kept-qat-seed1", 50);
    assert!(
        qat.contains(rounded) && qat.contains("`quantise` and `units`"),
        "{qat}"
    );
    assert!(!qat.contains("shared out"), "{qat}");
}
