//! "Did you mean": names in the order of their likeness.

/// `names` sorted by likeness to `wanted`, the nearest first; equally unlike ones keep their order.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_ascii_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_ascii_lowercase()), name))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().map(|(_, name)| name).collect()
}

/// The one of `names` that `wanted` is most likely a slip of, if any is like it at all.
pub fn likely<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let best = nearest(wanted, names).first().copied()?;
    (strsim::jaro_winkler(&wanted.to_ascii_lowercase(), &best.to_ascii_lowercase()) > 0.7).then_some(best)
}

/// Whether `wanted` is `name` but for case, underscores and hyphens, and two slips of the finger at most.
pub fn is_slip(wanted: &str, name: &str) -> bool {
    let bare = |text: &str| text.replace(['_', '-', ' '], "").to_ascii_lowercase();
    strsim::osa_distance(&bare(wanted), &bare(name)) <= 2
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_slip_is_told_from_another_word() {
        for slip in ["Protected", "PROTECTED", "protectd", "portected", "protect", "pro-tected"] {
            assert!(super::is_slip(slip, "protected"), "{slip}");
        }
        assert!(
            super::is_slip("expected-user", "expect_user") && super::is_slip("expectUser", "expect_user")
        );
        assert!(!super::is_slip("project", "protected") && !super::is_slip("user", "expect_user"));
    }

    #[test]
    fn the_nearest_name_comes_first() {
        assert_eq!(super::nearest("stagign", ["prod", "staging", "local"])[0], "staging");
        assert_eq!(super::likely("TENNANT", ["output", "tenant"]), Some("tenant"));
        assert_eq!(super::likely("wat", ["output", "tenant", "store"]), None);
    }
}
