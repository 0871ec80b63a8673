use dialects::OwnedModule;

use super::*;

/// Loops and branches in one another that capture what is around them, at
/// several depths and in another order than it is made.
const NESTED: &str = "func.func @f(%x: tensor<4xf32>, %n: index, %c: i1) -> tensor<4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %a = arith.negf %x : tensor<4xf32>
  %b = arith.addf %a, %x : tensor<4xf32>
  %outer = scf.for %i = %zero to %n step %one iter_args(%s = %b) -> (tensor<4xf32>) {
    %d = arith.mulf %s, %b : tensor<4xf32>
    %inner = scf.for %j = %zero to %i step %one iter_args(%t = %d) -> (tensor<4xf32>) {
      %chosen = scf.if %c -> (tensor<4xf32>) {
        %e = arith.addf %d, %a : tensor<4xf32>
        scf.yield %e : tensor<4xf32>
      } else {
        %g = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = [\"parallel\"]} outs(%t : tensor<4xf32>) {
        ^bb0(%old: f32):
          %at = linalg.index 0 : index
          %f = tensor.extract %x[%at] : tensor<4xf32>
          linalg.yield %f : f32
        } -> tensor<4xf32>
        scf.yield %g : tensor<4xf32>
      }
      scf.yield %chosen : tensor<4xf32>
    }
    scf.yield %inner : tensor<4xf32>
  }
  return %outer : tensor<4xf32>
}";

/// So many loops in one another, each with an operation of its own.
fn nest(depth: usize) -> String {
    let mut body = String::new();
    let mut value = "%x".to_owned();
    for at in 0..depth {
        body += &format!(
            "%r{at} = scf.for %i{at} = %zero to %n step %one iter_args(%v{at} = {value}) -> (tensor<4xf32>) {{\n\
             %s{at} = arith.mulf %v{at}, %x : tensor<4xf32>\n"
        );
        value = format!("%s{at}");
    }
    for at in (0..depth).rev() {
        body += &format!("scf.yield {value} : tensor<4xf32>\n}}\n");
        value = format!("%r{at}");
    }
    format!(
        "func.func @f(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {{\n\
         %zero = arith.constant 0 : index\n%one = arith.constant 1 : index\n\
         {body}return {value} : tensor<4xf32>\n}}"
    )
}

#[test]
fn remembered_inputs_are_those_that_are_looked_for() {
    for text in [NESTED.to_owned(), nest(1), nest(40)] {
        let session = iree::session();
        let module = OwnedModule::from_source(&session, text.as_bytes()).expect("it parses");
        // Asked from the outside in, and from the inside out.
        let mut ops: Vec<Op> = functions(&module)
            .into_iter()
            .flat_map(placed_ops)
            .collect();
        for _ in 0..2 {
            let mut free = Free::new(&module);
            for op in &ops {
                assert_eq!(free.inputs(*op), inputs(*op), "of {op}");
            }
            ops.reverse();
        }
    }
}

#[test]
fn what_is_inherited_comes_from_every_holder() {
    let session = iree::session();
    let module = OwnedModule::from_source(&session, nest(30).as_bytes()).expect("it parses");
    let mut loops = Inherited::new(0, |holder: Op, outer| {
        outer + usize::from(holder.is("scf.for"))
    });
    let mut function = Inherited::new(None, |holder, outer| {
        if is_function(holder) {
            Some(holder)
        } else {
            outer
        }
    });
    let mut ops: Vec<Op> = functions(&module)
        .into_iter()
        .flat_map(placed_ops)
        .collect();
    for _ in 0..2 {
        for op in &ops {
            let holders = std::iter::successors(op.parent(), |op| op.parent());
            let expected = holders.filter(|holder| holder.is("scf.for")).count();
            assert_eq!(loops.around(*op), expected, "around {op}");
            assert_eq!(function.around(*op), functions(&module).first().copied());
        }
        ops.reverse();
    }
    assert_eq!(function.around(module.op()), None);
}

#[test]
fn a_value_of_unknown_size_is_no_parcel_of_none() {
    let session = iree::session();
    let text = "func.func @f(%a: tensor<4xf32>, %b: tensor<?xf32>, %c: tensor<3xi1>) {\n return\n}";
    let module = OwnedModule::from_source(&session, text.as_bytes()).expect("IR");
    let function = functions(&module)[0];
    let parcels: Vec<_> = function.blocks()[0]
        .arguments()
        .into_iter()
        .map(|value| parcel_of(value, false))
        .collect();
    let sizes = |at: usize| parcels[at].as_ref().map(|each| (each.bytes, each.elements));
    assert_eq!(sizes(0), Ok((16, 4)));
    assert_eq!(sizes(2), Ok((3, 3)));
    let error = parcels[1].as_ref().expect_err("its size is not known");
    assert!(error.message.contains("tensor<?xf32>"), "{error}");
    assert!(error.place.is_some());
}
