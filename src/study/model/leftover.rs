//! What an encoder's file holds beside the layers that are computed: without effect, told of, or refused.

use super::family::Family;
use super::tensors::Tensors;
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;

/// What becomes of a tensor that no layer takes.
enum Fate {
    /// It belongs to something that is not asked for.
    Told(&'static str),
    /// Without it the forward pass is another one: what it is, and what to do.
    Refused(&'static str, &'static str),
    /// Nobody knows.
    Unknown,
}

const MERGE: &str =
    "merge them into the weights (peft: `model.merge_and_unload()`), save that and take its files";
const WHOLE: &str =
    "load the model with its own library, bring it to plain F32, F16 or BF16 and save it again";

/// Parts of a name that say what a tensor is.
const REFUSED: [(&[&str], &str, &str); 6] = [
    (
        &[
            "lora_",
            "base_layer",
            "hada_",
            "lokr_",
            "ia3_",
            "oft_",
            "boft_",
            "vera_",
            "dora_",
        ],
        "of adapters (LoRA and its kin) that are not merged, and adapters are not computed",
        MERGE,
    ),
    (
        &[
            "adapter",
            "prefix_tuning",
            "prefix_encoder",
            "prompt_",
            "loreft",
        ],
        "of adapters or prompts between or before the layers, which are not computed",
        "take the encoder without them",
    ),
    (
        &[
            "distance_embedding",
            "relative_attention_bias",
            "rel_embeddings",
        ],
        "of relative position embeddings, which are not computed",
        "take an encoder with absolute positions",
    ),
    (
        &["crossattention"],
        "of attention to a second text, which is not computed",
        "take weights that were trained as an encoder",
    ),
    (
        &[
            "qweight",
            "qzeros",
            ".scales",
            "g_idx",
            "absmax",
            "quant_map",
            "quant_state",
            ".SCB",
            "weight_format",
            "weight_scale",
            "input_scale",
            "zero_point",
        ],
        "of weights that were quantised, which are not read",
        WHOLE,
    ),
    (
        &[
            "parametrizations",
            "weight_g",
            "weight_v",
            "weight_orig",
            "weight_mask",
        ],
        "of weights in several parts (pruned or normalised), which are not put together here",
        WHOLE,
    ),
];

const HEADS: [&str; 11] = [
    "cls.",
    "qa_outputs.",
    "lm_head.",
    "vocab_transform.",
    "vocab_layer_norm.",
    "vocab_projector.",
    "seq_relationship.",
    "decoder.",
    "mlm_head.",
    "logits_proj.",
    "loss",
];

/// Heads that tell classes.
const CLASSIFIERS: [&str; 3] = ["classifier.", "pre_classifier.", "score."];

/// What becomes of a tensor that no layer took; `judged` if a classifier did take its own.
fn fate(name: &str, judged: bool) -> Fate {
    for (parts, what, fix) in REFUSED {
        if parts.iter().any(|part| name.contains(part)) {
            return Fate::Refused(what, fix);
        }
    }
    let starts = |heads: &[&str]| heads.iter().any(|head| name.starts_with(head));
    if starts(&CLASSIFIERS) && judged {
        return Fate::Refused(
            "of a classifier beside the one that is computed, and it may be the one that was trained",
            "put the trained one in its place (peft: `model.merge_and_unload()`) and take the other out",
        );
    }
    if starts(&["pooler."]) && !judged {
        return Fate::Told("of the pooler behind the class token, which only a classifier reads");
    }
    if name == "embeddings.mask_token" {
        return Fate::Told("for patches that are hidden in training; none is hidden here");
    }
    if starts(&HEADS) || starts(&CLASSIFIERS) {
        return Fate::Told("of a head that is not computed; the task is judged without it");
    }
    Fate::Unknown
}

/// The first names, and how many more there are.
pub(super) fn some(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let first: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len().saturating_sub(SHOWN) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Brings the names to those of the family: what savers put before them goes. `sign` is a tensor that
/// every encoder of the family has.
///
/// # Errors
/// Names of another family, of two encoders or of none.
pub(super) fn settle(
    t: &mut Tensors<'_>,
    family: Family,
    sign: &str,
    notices: &mut Notices,
) -> Result<(), Mistakes> {
    let mut mistakes = Mistakes::none();
    let own = family.prefix();
    let before: Vec<String> = t.before(sign).into_iter().collect();
    let whole = match &before[..] {
        [one] => one,
        [] => {
            let names: Vec<String> = t.left().into_iter().map(|(_, name)| name).collect();
            mistakes.add(
                &format!("{own}{sign}"),
                "",
                format!(
                    "the file holds no tensor whose name ends so, and no {} encoder is without it; it holds {} tensors: {}",
                    family.name(),
                    names.len(),
                    some(&names)
                ),
                "take the weights of the encoder itself; a file of adapters alone, or of another family, is not enough",
            );
            return Err(mistakes);
        }
        several => {
            mistakes.add(
                sign,
                "",
                format!(
                    "the file holds {} encoders: names begin with {}",
                    several.len(),
                    some(several)
                ),
                "save one of them alone",
            );
            return Err(mistakes);
        }
    };
    let (root, inner) = match whole.strip_suffix(own) {
        Some(root) => (root.to_owned(), own),
        None => (whole.clone(), ""),
    };
    // The last word names the family where it is one's name.
    let last = root.trim_end_matches('.').rsplit('.').next().unwrap_or("");
    let others = [
        "roberta",
        "xlm_roberta",
        "camembert",
        "electra",
        "albert",
        "mpnet",
        "deberta",
        "deit",
        "beit",
        "ernie",
        "bert",
        "distilbert",
        "vit",
        "decoder",
    ];
    if others.contains(&last) {
        mistakes.add(
            &format!("{whole}{sign}"),
            "",
            format!(
                "the names begin with `{root}`, and config.json speaks of a {} encoder",
                family.name()
            ),
            "take the config.json that belongs to these weights, if its family is one that is read",
        );
        return Err(mistakes);
    }
    if !root.is_empty() {
        let count = t.strip(&root);
        notices.note(format!(
            "{count} names begin with `{root}`, as some savers leave them; they are read without it"
        ));
    }
    t.prefix_if(inner, sign);
    Ok(())
}

/// What is said of tensors and what to do about them, and their names.
type Groups = Vec<((&'static str, &'static str), Vec<String>)>;

fn gather(groups: &mut Groups, what: (&'static str, &'static str), name: String) {
    match groups.iter_mut().find(|(known, _)| *known == what) {
        Some((_, names)) => names.push(name),
        None => groups.push((what, vec![name])),
    }
}

/// How many tensors, in words that stand before what they are.
fn count(names: &[String]) -> String {
    let plural = if names.len() == 1 { "" } else { "s" };
    format!("the file holds {} tensor{plural}", names.len())
}

/// Looks at what no layer has taken; `judged` if a classifier took its own.
pub(super) fn account(t: &mut Tensors<'_>, family: Family, judged: bool, notices: &mut Notices) {
    let mut mistakes = Mistakes::none();
    let own = family.prefix();
    for part in ["", own] {
        // Numbers from 0 and zeros, as buffers beside the tables: anything else would be other places.
        let mut buffer = |name: &str, is: fn(usize, i64) -> bool, must: &str| {
            let name = format!("{part}embeddings.{name}");
            let counts = t.counts(&name).unwrap_or_default();
            if let Some(at) = (0..counts.len()).find(|at| !is(*at, counts[*at])) {
                mistakes.add(
                    &name,
                    counts[at],
                    format!("element {at} must be {must}: other places are not computed"),
                    "take the weights of an encoder that counts its tokens from 0",
                );
            }
        };
        buffer(
            "position_ids",
            |at, count| count == at as i64,
            "its own number",
        );
        buffer("token_type_ids", |_, count| count == 0, "0");
    }
    let (mut refused, mut told, mut unknown) = (Groups::new(), Groups::new(), Vec::new());
    for (name, there) in t.left() {
        match fate(name.strip_prefix(own).unwrap_or(&name), judged) {
            Fate::Told(what) => gather(&mut told, (what, ""), there),
            Fate::Refused(what, fix) => gather(&mut refused, (what, fix), there),
            Fate::Unknown => unknown.push(there),
        }
    }
    for ((what, _), names) in told {
        notices.note(format!("{} ({}) {what}", count(&names), some(&names)));
    }
    if !refused.is_empty() {
        // They are why layers seem to be missing.
        t.forget_missing();
    }
    for ((what, fix), names) in refused {
        let problem = format!("{} ({}) {what}", count(&names), some(&names));
        mistakes.add("", "", problem, fix);
    }
    if !unknown.is_empty() {
        mistakes.add(
            "",
            "",
            format!(
                "{} ({}) of no layer that is computed",
                count(&unknown),
                some(&unknown)
            ),
            format!("take weights of a plain {} encoder", family.name()),
        );
    }
    t.blame(mistakes);
}
