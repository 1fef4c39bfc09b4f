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

#[cfg(test)]
mod tests {
    #[test]
    fn the_nearest_name_comes_first() {
        assert_eq!(super::nearest("stagign", ["prod", "staging", "local"])[0], "staging");
        assert_eq!(super::likely("TENNANT", ["output", "tenant"]), Some("tenant"));
        assert_eq!(super::likely("wat", ["output", "tenant", "store"]), None);
    }
}
