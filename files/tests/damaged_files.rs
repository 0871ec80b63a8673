//! Files with bytes missing, doubled or exchanged are errors with a place, or still good: never a
//! panic, and never an endless parse.

use files::{FileError, acceptance, platform, profile};
use proptest::prelude::*;

const PLATFORM: &str = include_str!("../../examples/platforms/imx95.yaml");
const ACCEPTANCE: &str = include_str!("../../examples/acceptance/pair.yaml");
const PROFILE: &str = "version: 1
measurements:
  - role: drafter
    pu: gpu
    variant: { cpu: 1, gpu: 1 }
    points:
      - { sequence_length: 16, latency: 210 ms, spread: 4 ms }
      - { sequence_length: 63, latency: { value: 820 ms, source: stated, note: x } }
";

#[derive(Clone, Debug)]
enum Damage {
    Remove(usize, usize),
    Insert(usize, String),
    Repeat(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<usize>(), 1usize..20).prop_map(|(at, length)| Damage::Remove(at, length)),
        (
            any::<usize>(),
            "[-:{}\\[\\]&*!|>'\"%@`,? \\n\\ta-z0-9.\u{0}\u{e9}]{1,6}"
        )
            .prop_map(|(at, text)| Damage::Insert(at, text)),
        (any::<usize>(), 1usize..200).prop_map(|(at, length)| Damage::Repeat(at, length)),
    ]
}

fn damaged(text: &str, damages: &[Damage]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for damage in damages {
        let end = chars.len().max(1);
        match damage {
            Damage::Remove(at, length) => {
                let at = at % end;
                chars.drain(at.min(chars.len())..(at + length).min(chars.len()));
            }
            Damage::Insert(at, text) => {
                let at = (at % end).min(chars.len());
                chars.splice(at..at, text.chars());
            }
            Damage::Repeat(at, length) => {
                let at = (at % end).min(chars.len());
                let part: Vec<char> = chars.iter().skip(at).take(*length).copied().collect();
                chars.splice(at..at, part);
            }
        }
    }
    chars.into_iter().collect()
}

fn well_behaved<T>(result: Result<T, FileError>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => {
            let text = error.to_string();
            !text.contains('\u{1}') && error.place().is_some_and(|place| place.file == "f.yaml")
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn never_panic(damages in prop::collection::vec(damage(), 1..4)) {
        prop_assert!(well_behaved(platform::from_yaml("f.yaml", &damaged(PLATFORM, &damages))));
        prop_assert!(well_behaved(profile::from_yaml("f.yaml", &damaged(PROFILE, &damages))));
        prop_assert!(well_behaved(acceptance::from_yaml("f.yaml", &damaged(ACCEPTANCE, &damages))));
    }
}

#[test]
fn bombs_are_refused() {
    let mut bomb = String::from("version: 1\nname: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = level - 1;
        bomb.push_str(&format!(
            "k{level}: &a{level} [{}]\n",
            vec![format!("*a{below}"); 9].join(", ")
        ));
    }
    assert!(platform::from_yaml("f.yaml", &bomb).is_err());
    // The parser took 20 s for as many brackets.
    for begin in ["", "version: 1\nname: "] {
        let deep = format!("{begin}{}", "[".repeat(100_000));
        let started = std::time::Instant::now();
        let error = platform::from_yaml("f.yaml", &deep).unwrap_err();
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
        assert!(
            error.to_string().contains("1000 brackets are open"),
            "{error}"
        );
    }
    assert!(
        platform::from_yaml(
            "f.yaml",
            &format!("version: 1\nname: {}", "[".repeat(10_000))
        )
        .is_err()
    );
}
