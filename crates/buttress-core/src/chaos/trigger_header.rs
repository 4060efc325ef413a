use crate::Ratio;

/// The ratio of calls for which a header requests the fault called `name`; `None` if it does not.
///
/// The header is a list of names, each with an optional share in percent: `slow, down;25%`. Anything else requests no
/// fault.
pub(super) fn share(header: &[u8], name: &str) -> Option<Ratio> {
    let header = std::str::from_utf8(header).ok()?;
    header.split(',').find_map(|item| {
        let (named, share) = match item.split_once(';') {
            Some((named, share)) => (named, percent(share.trim())?),
            None => (item, Ratio::ONE),
        };
        (named.trim() == name).then_some(share)
    })
}

fn percent(text: &str) -> Option<Ratio> {
    let percent: f64 = text.strip_suffix('%')?.parse().ok()?;
    Ratio::new(percent / 100.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_requests_the_faults_that_it_names() {
        for (header, expected) in [
            ("slow", Some(Ratio::ONE)),
            ("down, slow", Some(Ratio::ONE)),
            ("slow;25%", Some(Ratio::percent(25))),
            ("slow ; 2.5%, down", Some(Ratio::new(0.025).unwrap())),
            ("down", None),
            ("slower", None),
            ("", None),
            ("slow;101%", None),
            ("slow;-1%", None),
            ("slow;NaN%", None),
            ("slow;25", None),
            ("slow;;", None),
        ] {
            assert_eq!(share(header.as_bytes(), "slow"), expected, "{header}");
        }
        assert_eq!(share(b"\xff", "slow"), None);
    }
}
