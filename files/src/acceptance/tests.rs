//! Reading, checking and choosing entries.

use super::*;
use crate::error::with_place;
use cost::CostError;

const TWO: &str = "version: 1
tasks:
  translation:
    f16: { histogram: [3, 4, 2, 3, 3], draft_length: 4 }
    w8a8: { alpha: { value: 17 %, source: stated, note: Tab. III } }
  summary:
    f16: { alpha: 0.5 }
";

fn complaint(text: &str) -> String {
    let error = from_yaml("a.yaml", text).unwrap_err();
    format!(
        "{} | {}",
        with_place(&error),
        error.help().unwrap_or_default()
    )
}

fn entry(text: &str) -> String {
    complaint(&format!("version: 1\ntasks:\n  t:\n    q: {text}\n"))
}

#[test]
fn entries_are_chosen_by_name() {
    let file = from_yaml("a.yaml", TWO).unwrap();
    assert_eq!(
        file.names(),
        ["summary/f16", "translation/f16", "translation/w8a8"]
    );
    let chosen = file.select(Some("translation/f16")).unwrap();
    assert!((chosen.alpha - 29.0 / 41.0).abs() < 1e-12);
    assert!(chosen.interval.is_some() && chosen.per_position.is_some());
    assert!(
        chosen.how.contains("29 accepted, 12 rejected"),
        "{}",
        chosen.how
    );
    let chosen = file.select(Some("translation/w8a8")).unwrap();
    assert_eq!((chosen.alpha, chosen.interval), (0.17, None));
    assert_eq!(
        chosen.how,
        "translation/w8a8 of a.yaml, a rate (stated: Tab. III)"
    );
    assert_eq!(file.select(Some("summary")).unwrap().name, "summary/f16");
}

#[test]
fn several_entries_and_no_choice_list_what_there_is() {
    let file = from_yaml("a.yaml", TWO).unwrap();
    let complaint = |choice| {
        let error = file.select(choice).unwrap_err();
        format!("{error} | {}", error.help().unwrap_or_default())
    };
    let all = "a.yaml holds: summary/f16, translation/f16, translation/w8a8";
    assert_eq!(
        complaint(None),
        format!("none of several tasks is chosen; {all} | write a.yaml:TASK/QUANTISATION")
    );
    assert!(complaint(Some("translation")).contains("several quantisations"));
    assert!(complaint(Some("translatoin")).contains("did you mean `translation`?"));
}

#[test]
fn contradictions_are_found_where_they_stand() {
    let text = entry("{ histogram: [3, 4, 2, 3, 3], draft_length: 5 }");
    assert!(
        text.starts_with(
            "a.yaml:4:21: a draft length of 5 needs 6 counts, 0 to 5 accepted; there are 5"
        ),
        "{text}"
    );
    let text = entry("{ histogram: [3, 4, 2, 3, 3], alpha: 0.9 }");
    assert!(
        text.starts_with("a.yaml:4:45: `alpha` says 0.9, the histogram 0.707"),
        "{text}"
    );
    // 29 of 60 drafted tokens: a common other definition, named as such.
    let text = entry("{ histogram: [3, 4, 2, 3, 3], alpha: 0.483 }");
    assert!(text.contains("accepted over drafted"), "{text}");
    assert!(entry("{ histogram: [44] }").contains("say nothing about α"));
    assert!(entry("{ histogram: [] }").contains("say nothing about α"));
    assert!(entry("{ samples: 3 }").contains("give a `histogram`, or at least `alpha`"));
    assert!(entry("{ alpha: 1.2 }").contains("`1.2`: a probability must lie between 0 and 1"));
    assert!(entry("{ alpha: 3 ms }").contains("`3 ms` is a time, where a probability is wanted"));
    assert!(entry("{ histogram: [-1, 2] }").contains("a.yaml:4:"));
    assert!(entry("{ histgram: [1, 2] }").contains("did you mean `histogram`?"));
    assert!(complaint("version: 1\ntasks: {}\n").contains("holds no task"));
    // A rate that agrees, rounded, is fine.
    from_yaml(
        "a.yaml",
        "version: 1\ntasks: { t: { q: { histogram: [3, 4, 2, 3, 3], alpha: 0.71 } } }\n",
    )
    .unwrap();
}

#[test]
fn files_are_named_with_or_without_a_task() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("with:colon.yaml");
    std::fs::write(&path, TWO).unwrap();
    let path = path.to_str().unwrap();
    assert!(matches!(
        load(path),
        Err(FileError::Cost(CostError::Task(_)))
    ));
    assert_eq!(load(&format!("{path}:summary")).unwrap().alpha, 0.5);
    assert_eq!(
        load(&format!("{path}:translation/w8a8")).unwrap().alpha,
        0.17
    );
    let missing = folder.path().join("none.yaml");
    let error = load(missing.to_str().unwrap()).unwrap_err();
    assert!(matches!(error, FileError::Read { .. }), "{error}");
}

#[test]
fn the_examples_load() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    assert_eq!(
        load(&format!(
            "{folder}/paper/acceptance.yaml:translation/w8a8-target-p90"
        ))
        .unwrap()
        .alpha,
        0.90
    );
    assert!(
        (load(&format!("{folder}/acceptance/pair.yaml"))
            .unwrap()
            .alpha
            - 32.0 / 41.0)
            .abs()
            < 1e-12
    );
}

#[test]
fn tasks_and_quantisations_are_there_once() {
    for (text, said) in [
        (
            "version: 1\ntasks:\n  python: { f32: { alpha: 0.9 } }\n  python: { f32: { alpha: 0.1 } }\n",
            "a.yaml:4:3: tasks: `python` is there twice",
        ),
        (
            "version: 1\ntasks:\n  python:\n    f32: { alpha: 0.9 }\n    f32: { alpha: 0.1 }\n",
            "a.yaml:5:5: tasks.python: `f32` is there twice",
        ),
    ] {
        let error = from_yaml("a.yaml", text).unwrap_err();
        assert_eq!(with_place(&error), said);
    }
}

#[test]
fn counts_of_any_size_are_counted() {
    let text = "version: 1\ntasks: { a: { f32: { histogram: [18446744073709551615, 1] } } }\n";
    let selected = from_yaml("a.yaml", text).unwrap().select(None).unwrap();
    assert!(selected.alpha > 0.0 && selected.alpha < 1e-19);
    assert!(
        selected.how.contains("18446744073709551615 rejected"),
        "{}",
        selected.how
    );
}
