//! Parameters of archives, read from attributes and written into them.

use dialects::OwnedModule;
use dialects::ops::{Global, Parameter};

#[test]
fn names_hold_what_they_like() {
    let session = iree::session();
    let text = r#"
util.global private @a = #flow.parameter.named<"model"::"layer<0>.w"> : tensor<4xf32>
util.global private @b = #flow.parameter.named<"say \22b\22::c"> : tensor<4xf32>
util.global private @c = dense<0.0> : tensor<4xf32>
"#;
    let module = OwnedModule::from_source(&session, text.as_bytes()).expect("IR");
    let global = |at: usize| Global::of(module.body().ops()[at]).expect("a global");
    let named = |scope: &str, key: &str| Parameter {
        scope: scope.to_owned(),
        key: key.to_owned(),
    };
    assert_eq!(global(0).parameter(), Some(named("model", "layer<0>.w")));
    assert_eq!(global(1).parameter(), Some(named("", "say \"b\"::c")));
    assert_eq!(global(2).parameter(), None);
    for at in [0, 1] {
        let Some((mut parameter, value)) = global(at).parameter().zip(global(at).initial_value())
        else {
            unreachable!("as written above");
        };
        parameter.scope = "other".to_owned();
        let value = parameter.put_into(&session, value).expect("an attribute");
        global(at).set_initial_value(value);
        assert_eq!(global(at).parameter(), Some(parameter));
    }
}
