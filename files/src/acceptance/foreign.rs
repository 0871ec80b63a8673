//! Files that hold acceptance as other programs write it, or that are another of
//! our own files: named as what they are, with what to give in their place.
//!
//! Names of metrics and forms of lines: vLLM's `/metrics` and its log
//! (`vllm/v1/spec_decode/metrics.py`), SGLang's `/metrics`, server information and
//! log, llama.cpp's log and the `timings` of its server.

use cost::speedup::alpha_of_accepted_per_draft;
use regex::Regex;

/// What a file is that is not `acceptance.yaml`.
#[derive(Debug, PartialEq)]
pub(super) struct Foreign {
    /// `vLLM's metrics`.
    pub what: &'static str,
    /// What to give instead.
    pub help: String,
    /// The line, counted from 1, that shows it.
    pub line: usize,
}

/// How often drafts were accepted, by another program's count.
#[derive(Debug, Default)]
struct Counted {
    accepted: f64,
    drafted: f64,
    /// Tokens that a round drafts.
    per_round: Option<f64>,
}

/// One kind of file: the text that shows it, and how it is counted there.
struct Kind {
    what: &'static str,
    sign: &'static str,
    help: fn(&str) -> String,
}

const KINDS: &[Kind] = &[
    Kind {
        what: "vLLM's metrics, as Prometheus reads them",
        sign: "vllm:spec_decode_num_",
        help: of_vllm_metrics,
    },
    Kind {
        what: "vLLM's log",
        sign: "SpecDecoding metrics:",
        help: of_vllm_log,
    },
    Kind {
        what: "SGLang's metrics",
        sign: "spec_accept_length",
        help: of_sglang,
    },
    Kind {
        what: "SGLang's log",
        sign: "accept len:",
        help: of_sglang,
    },
    Kind {
        what: "llama.cpp's log",
        sign: "draft acceptance rate =",
        help: of_llama_cpp_log,
    },
    Kind {
        what: "an answer of llama.cpp's server",
        sign: "\"draft_n_accepted\"",
        help: of_llama_cpp_server,
    },
    Kind {
        what: "a platform file",
        sign: "processing_units:",
        help: |_| "give it as --platform".to_owned(),
    },
    Kind {
        what: "a profile",
        sign: "measurements:",
        help: |_| "give it as --profile".to_owned(),
    },
];

/// What `text` is, if it is one of the kinds that are known.
pub(super) fn recognise(text: &str) -> Option<Foreign> {
    KINDS.iter().find_map(|kind| {
        let line = text.lines().position(|line| line.contains(kind.sign))? + 1;
        Some(Foreign {
            what: kind.what,
            help: (kind.help)(text),
            line,
        })
    })
}

fn of_vllm_metrics(text: &str) -> String {
    let sum = |name: &str| {
        sum_of(
            text,
            &format!(r"(?m)^vllm:spec_decode_num_{name}(?:_total)?(?:\{{[^\n]*\}})?\s+(\S+)"),
        )
    };
    let (rounds, drafted) = (sum("drafts"), sum("draft_tokens"));
    advice(&Counted {
        accepted: sum("accepted_tokens"),
        drafted,
        per_round: (rounds > 0.0).then_some(drafted / rounds),
    })
}

fn of_vllm_log(text: &str) -> String {
    let positions = Regex::new(r"Per-position acceptance rate: ([0-9., ]+)")
        .ok()
        .and_then(|pattern| pattern.captures_iter(text).last())
        .map(|found| {
            found[1]
                .split(',')
                .filter(|each| !each.trim().is_empty())
                .count()
        });
    advice(&Counted {
        accepted: sum_of(text, r"SpecDecoding metrics:[^\n]* Accepted: (\d+) tokens"),
        drafted: sum_of(text, r"SpecDecoding metrics:[^\n]* Drafted: (\d+) tokens"),
        per_round: positions.map(|count| count as f64),
    })
}

fn of_sglang(text: &str) -> String {
    let length = last_of(text, r#"spec_accept_length"?(?:\{[^\n]*\})?:?\s+([0-9.]+)"#)
        .or_else(|| last_of(text, r"accept len: ([0-9.]+)"));
    let length = length.map_or_else(|| "L".to_owned(), |length| length.to_string());
    format!(
        "its mean acceptance length is {length}: with N drafted tokens in a round give \
         --accepted-per-draft X --drafted N, where X = ({length} - 1) / N"
    )
}

fn of_llama_cpp_log(text: &str) -> String {
    let counts = |which: &str| {
        sum_of(
            text,
            &format!(r"draft acceptance rate = [^\n]*?(\d+) {which}"),
        )
    };
    advice(&Counted {
        accepted: counts("accepted"),
        drafted: counts("generated"),
        per_round: None,
    })
}

fn of_llama_cpp_server(text: &str) -> String {
    advice(&Counted {
        accepted: sum_of(text, r#""draft_n_accepted"\s*:\s*(\d+)"#),
        drafted: sum_of(text, r#""draft_n"\s*:\s*(\d+)"#),
        per_round: None,
    })
}

/// The sum of the numbers that a pattern's group finds; what is no number counts nothing.
fn sum_of(text: &str, pattern: &str) -> f64 {
    numbers(text, pattern).into_iter().sum()
}

fn last_of(text: &str, pattern: &str) -> Option<f64> {
    numbers(text, pattern).pop()
}

fn numbers(text: &str, pattern: &str) -> Vec<f64> {
    let Ok(pattern) = Regex::new(pattern) else {
        return Vec::new();
    };
    pattern
        .captures_iter(text)
        .filter_map(|found| found[1].parse().ok())
        .filter(|number: &f64| number.is_finite())
        .collect()
}

/// The flags that say the same.
fn advice(counted: &Counted) -> String {
    let Counted {
        accepted, drafted, ..
    } = *counted;
    if drafted < 1.0 || accepted > drafted {
        return "give accepted / drafted tokens as --accepted-per-draft X --drafted N, N being \
                what a round drafts"
            .to_owned();
    }
    let rate = accepted / drafted;
    let counts = format!("{accepted} of {drafted} drafted tokens were accepted");
    let Some(per_round) = counted.per_round.map(f64::round).filter(|n| *n >= 1.0) else {
        return format!(
            "{counts}: give --accepted-per-draft {rate:.4} --drafted N, N being what a round drafts"
        );
    };
    // Draft lengths are far below 2^32.
    let alpha = alpha_of_accepted_per_draft(rate, per_round as u32);
    format!(
        "{counts}, {per_round} in a round: give --accepted-per-draft {rate:.4} --drafted \
         {per_round}, which is --alpha {alpha:.3}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, what: &str, line: usize, help: &[&str]) {
        let found = recognise(text).unwrap();
        assert_eq!((found.what, found.line), (what, line));
        for part in help {
            assert!(found.help.contains(part), "{part} is not in {}", found.help);
        }
    }

    #[test]
    fn what_servers_write_is_named_and_converted() {
        let metrics = "# HELP vllm:e2e_request_latency_seconds x\n\
             vllm:spec_decode_num_drafts_total{engine=\"0\",model_name=\"m\"} 100.0\n\
             vllm:spec_decode_num_draft_tokens_total{engine=\"0\",model_name=\"m\"} 200.0\n\
             vllm:spec_decode_num_accepted_tokens_total{engine=\"0\",model_name=\"m\"} 75.0\n\
             vllm:spec_decode_num_accepted_tokens_per_pos_total{engine=\"0\",position=\"0\"} 50.0\n\
             vllm:spec_decode_num_accepted_tokens_created{engine=\"0\"} 1.7e+09\n";
        // (α + α²) / 2 = 0.375 at α = 0.5.
        check(
            metrics,
            "vLLM's metrics, as Prometheus reads them",
            2,
            &[
                "75 of 200",
                "--accepted-per-draft 0.3750 --drafted 2",
                "--alpha 0.500",
            ],
        );
        check(
            "INFO x\n(APIServer pid=1) INFO [metrics.py:101] SpecDecoding metrics: Mean acceptance length: 3.42, \
             Accepted throughput: 67.60 tokens/s, Drafted throughput: 83.70 tokens/s, Accepted: 676 tokens, \
             Drafted: 837 tokens, Per-position acceptance rate: 0.921, 0.828, 0.674, Avg Draft acceptance rate: 80.8%\n",
            "vLLM's log",
            2,
            &["676 of 837", "--accepted-per-draft 0.8076 --drafted 3"],
        );
        check(
            "sglang:spec_accept_length{model_name=\"m\"} 2.9\nsglang:spec_accept_rate 0.27\n",
            "SGLang's metrics",
            1,
            &["length is 2.9", "X = (2.9 - 1) / N"],
        );
        check(
            "{\"avg_spec_accept_length\": 2.5}",
            "SGLang's metrics",
            1,
            &["(2.5 - 1) / N"],
        );
        check(
            "Decode batch. #running-req: 1, accept len: 1.75, cuda graph: True",
            "SGLang's log",
            1,
            &["(1.75 - 1) / N"],
        );
        check(
            "slot print_timing:\ndraft acceptance rate = 0.57576 (  171 accepted /   297 generated)\n",
            "llama.cpp's log",
            2,
            &["171 of 297", "--accepted-per-draft 0.5758 --drafted N"],
        );
        check(
            "{\"timings\": {\"draft_n\": 567, \"draft_n_accepted\": 89}}",
            "an answer of llama.cpp's server",
            1,
            &["89 of 567"],
        );
    }

    #[test]
    fn our_other_files_are_named() {
        check(
            "version: 1\nprocessing_units: []\n",
            "a platform file",
            2,
            &["--platform"],
        );
        check(
            "version: 1\nmeasurements: []\n",
            "a profile",
            2,
            &["--profile"],
        );
        assert_eq!(recognise("version: 1\ntasks: {}\n"), None);
    }

    #[test]
    fn counts_that_make_no_rate_give_the_flags_alone() {
        let none = "vllm:spec_decode_num_drafts_total 0.0\n";
        check(
            none,
            "vLLM's metrics, as Prometheus reads them",
            1,
            &["--accepted-per-draft X"],
        );
        let odd = "{\"draft_n\": 1, \"draft_n_accepted\": 2}";
        check(
            odd,
            "an answer of llama.cpp's server",
            1,
            &["--accepted-per-draft X"],
        );
    }
}
