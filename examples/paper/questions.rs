//! Where the paper's numbers contradict each other. Every figure is solved for.

use cost::speedup::{best_draft_length, speedup};

use super::{LONGEST, Paper};

/// The argument between `low` and `high` at which a falling or rising function is zero.
fn root(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut a, mut b) = (low, high);
    let rising = f(high) > f(low);
    for _ in 0..100 {
        let middle = 0.5 * (a + b);
        if (f(middle) > 0.0) == rising {
            b = middle;
        } else {
            a = middle;
        }
    }
    0.5 * (a + b)
}

/// All of them, each a paragraph.
pub fn all(paper: &Paper) -> anyhow::Result<String> {
    let c = paper.stated("c_heterogeneous_one_core")?;
    let alone = paper.stated("c_homogeneous_one_core")?;
    let alpha = paper.stated("alpha_high")?;
    let measured = paper.stated("alpha_measured")?;
    let headline = paper.stated("speedup_headline")?;
    let faster = paper.stated("gpu_over_core")?;
    let published = paper.rows("table_2");
    let first = published.first().map_or(5, |row| row.gamma);

    let best = best_draft_length(alpha, c, LONGEST);
    let mut said = vec![format!(
        "Tab. II, variant 1, says S = {headline} at γ = {first}. With the stated c = {c}, Eq. (1) at α = {alpha:.2} gives {:.2} at γ* = {} \
         ({:.2} at γ = {first}).",
        best.speedup,
        best.gamma,
        speedup(alpha, first, c)
    )];

    let needed = root(0.0, alpha, |c| {
        best_draft_length(alpha, c, LONGEST).speedup - headline
    });
    let at = |s: f64| {
        root(0.0, alpha, |c| {
            best_draft_length(alpha, c, LONGEST).speedup - s
        })
    };
    let (low, high) = (at(headline + 0.005), at(headline - 0.005));
    let there = best_draft_length(alpha, needed, LONGEST);
    let switch = root(0.0, alpha, |c| {
        speedup(alpha, first, c) - speedup(alpha, first - 1, c)
    });
    said.push(format!(
        "S = {headline} at α = {alpha:.2} needs c = {needed:.3} ({low:.3} to {high:.3} with rounding), not {c}; and there γ* = {} ({:.4}) is still barely better than γ = {first} ({:.4}): \
         γ = {first} becomes the best only below c = {switch:.3}, where S is at least {:.2}.",
        there.gamma,
        there.speedup,
        speedup(alpha, first, needed),
        speedup(alpha, first, switch)
    ));

    let raised = root(c, 1.0, |alpha| {
        best_draft_length(alpha, c, LONGEST).speedup - headline
    });
    let at_measured = best_draft_length(measured, c, LONGEST);
    said.push(format!(
        "Or it needs α = {raised:.3} at c = {c}. At α = {measured} (where Sec. V says it was measured) Eq. (1) gives {:.2} at γ* = {}, and \
         exactly {:.2} at γ = {}: the headline is Eq. (1) at the measured α, not at the predicted one.",
        at_measured.speedup,
        at_measured.gamma,
        speedup(measured, best.gamma, c),
        best.gamma
    ));

    for row in published.iter().skip(1).filter(|row| row.gamma > 0) {
        let implied = root(0.0, 2.0, |c| speedup(alpha, row.gamma, c) - row.speedup);
        let (low, high) = (row.speedup + 0.005, row.speedup - 0.005);
        let bound = |s: f64| root(0.0, 2.0, |c| speedup(alpha, row.gamma, c) - s);
        said.push(format!(
            "Tab. II, variant {}: S = {:.2} at γ = {} implies c = {implied:.3} ({:.3} to {:.3} with rounding); the text gives no c for it{}",
            row.cores,
            row.speedup,
            row.gamma,
            bound(low),
            bound(high),
            if best_draft_length(alpha, implied, LONGEST).gamma == row.gamma {
                ", and γ* agrees.".to_owned()
            } else {
                format!(", and γ* would be {}.", best_draft_length(alpha, implied, LONGEST).gamma)
            }
        ));
    }

    said.push(format!(
        "Sec. IV-B says the GPU runs the drafter \"roughly {}\" times faster than one core, and that c falls from {alone:.2} to {c}: that is \
         {:.2} times, about 2. Three times faster would make c = {:.3}, where Eq. (1) gives {:.2} at γ* = {}.",
        if faster == 3.0 { "three".to_owned() } else { faster.to_string() },
        alone / c,
        alone / faster,
        best_draft_length(alpha, alone / faster, LONGEST).speedup,
        best_draft_length(alpha, alone / faster, LONGEST).gamma
    ));

    let (pays, not): (Vec<_>, Vec<_>) = published.iter().partition(|row| row.gamma > 0);
    let cores = |rows: &[&super::Published]| {
        let cores: Vec<String> = rows.iter().map(|row| row.cores.to_string()).collect();
        cores.join(", ")
    };
    said.push(format!(
        "Tab. II's design variants (of the platform in Tab. I) are not monotone in the number of cores: speculation pays with {} and not with {}. \
         That is data, not an error: c is a ratio of two latencies that scale differently.",
        cores(&pays),
        cores(&not)
    ));
    said.push(format!(
        "Sec. IV-D's deviation is consistent: {measured} / {alpha:.2} = {:.3}, 4 % as it says.",
        measured / alpha
    ));
    let numbered = said.iter().enumerate().map(|(index, text)| {
        let mut lines = vec![format!("{}. ", index + 1)];
        for word in text.split_whitespace() {
            let last = lines.len() - 1;
            if lines[last].chars().count() + word.chars().count() > 108 {
                lines.push("   ".to_owned());
            }
            let last = lines.len() - 1;
            if !lines[last].ends_with(' ') {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
        lines.join("\n")
    });
    Ok(numbered.collect::<Vec<_>>().join("\n"))
}
