//! The roles that names of devices, functions and parameters speak of.

use std::collections::BTreeMap;

use cost::{Partition, Role};

/// The role, or stage of one, that a marker or device name stands for, such as
/// `drafter`, `target.1`, `__device_target` (iree-turbine's spelling) or a name
/// that the user gave a role with `--role NAME=ROLE`. A stage may be written
/// `target_1`, too, as in an identifier. `None` for a name that is just a
/// device.
pub fn role_of_device(name: &str, given: &BTreeMap<String, Partition>) -> Option<Partition> {
    let bare = name.strip_prefix("__device_").unwrap_or(name);
    given
        .get(name)
        .or_else(|| given.get(bare))
        .or_else(|| given.get(&format!("__device_{bare}")))
        .copied()
        .or_else(|| bare.parse().ok())
        .or_else(|| {
            let (role, stage) = bare.rsplit_once('_')?;
            format!("{role}.{stage}").parse().ok()
        })
}

/// The model role that a parameter, global or function name speaks of: the
/// first of its words (split at anything but letters and digits) that names
/// one. `control` is no model, so that `control_proj.weight` speaks of none.
pub fn model_role_in(name: &str) -> Option<Role> {
    name.split(|each: char| !each.is_ascii_alphanumeric())
        .find_map(|word| match word.to_ascii_lowercase().as_str() {
            "drafter" | "draft" | "assistant" => Some(Role::Drafter),
            "target" => Some(Role::Target),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_names_that_match_a_role_are_roles() {
        let none = BTreeMap::new();
        let whole = |name| role_of_device(name, &none).map(|found| (found.role, found.stage));
        assert_eq!(whole("drafter"), Some((Role::Drafter, None)));
        assert_eq!(whole("__device_target"), Some((Role::Target, None)));
        assert_eq!(whole("__device_host"), Some((Role::Control, None)));
        assert_eq!(whole("__device_0"), None);
    }

    #[test]
    fn device_names_may_name_stages() {
        let none = BTreeMap::new();
        let first = Some(Partition::stage(Role::Target, 1));
        for name in [
            "target.1",
            "target_1",
            "__device_target.1",
            "__device_target_1",
        ] {
            assert_eq!(role_of_device(name, &none), first, "{name}");
        }
        for name in ["control_1", "target_one", "target_", "cpu_1", "my_target_1"] {
            assert_eq!(role_of_device(name, &none), None, "{name}");
        }
    }

    #[test]
    fn the_user_may_name_a_device_with_or_without_turbines_prefix() {
        let (target, drafter) = (Partition::TARGET, Partition::DRAFTER);
        let given = BTreeMap::from([("0".to_owned(), target)]);
        assert_eq!(role_of_device("__device_0", &given), Some(target));
        let given = BTreeMap::from([("__device_1".to_owned(), drafter)]);
        assert_eq!(role_of_device("__device_1", &given), Some(drafter));
        // As turbine's operator has it before it is expanded.
        assert_eq!(role_of_device("1", &given), Some(drafter));
    }

    #[test]
    fn parameters_and_functions_speak_of_the_model_they_belong_to() {
        assert_eq!(
            model_role_in("__auto.drafter.layers.0.mlp.up_proj.weight"),
            Some(Role::Drafter)
        );
        assert_eq!(model_role_in("target_forward"), Some(Role::Target));
        assert_eq!(model_role_in("drafter_forward$1"), Some(Role::Drafter));
        assert_eq!(model_role_in("lm_head.weight"), None);
        assert_eq!(model_role_in("retargeted"), None);
    }
}
