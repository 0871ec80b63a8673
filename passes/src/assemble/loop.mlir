// The loop around two forward passes, as `assemble` writes it. It is read by
// passes/src/assemble/template.rs, which puts types and sizes in place of
// $NAMES and keeps a line that starts with `?feature` only with that feature
// (`!feature`: only without it). All functions but @generate and @step are
// inlined into those two.
//
// Scalars are values of the host and cross in calls; of tensors only tokens
// cross. Every loop has the form that lowered Torch has, with nothing but
// scf.condition before its body: IREE compiles no scf.while that carries
// tensors and computes its condition there.

#row = affine_map<(d0, d1) -> (d0, d1)>
#logits = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#picked = affine_map<(d0, d1, d2) -> (d0, d1)>
#one = affine_map<(d0) -> (d0)>
#all = affine_map<(d0) -> ()>
#none = affine_map<(d0, d1) -> ()>
#single = affine_map<(d0, d1) -> (0, 0)>
#first = affine_map<(d0) -> ()>

module @specplace_assembled {
  // The draft length while it is open; placement folds it.
  util.global private mutable @$DRAFT_LENGTH = dense<$GAMMA> : tensor<i64>

  func.func private @$TARGET_FORWARD(tensor<1x$Sx$TARGET_TOKEN>, index) -> tensor<1x$Rx$Vx$TARGET_LOGIT>
  func.func private @$DRAFTER_FORWARD(tensor<1x$Sx$DRAFTER_TOKEN>, index) -> tensor<1x1x$Vx$DRAFTER_LOGIT>

  // Generates until `limit` tokens stand in the row, until the row is full
?eos  // or until an end-of-sequence token was made:
  // (tokens, n, limit) -> (tokens, n, rounds, rounds by accepted drafts).
  func.func public @generate(%tokens: tensor<1x$Sxi64>, %n: tensor<i64>, %limit: tensor<i64>$EXTRA_PARAMETERS) -> (tensor<1x$Sxi64>, tensor<i64>, tensor<i64>, tensor<$Hxi64>) {
    %again = arith.constant true
    %0:4 = func.call @specplace.rounds(%tokens, %n, %limit, %again$EXTRA_ARGUMENTS) : (tensor<1x$Sxi64>, tensor<i64>, tensor<i64>, i1$EXTRA_TYPES) -> (tensor<1x$Sxi64>, tensor<i64>, tensor<i64>, tensor<$Hxi64>)
    return %0#0, %0#1, %0#2, %0#3 : tensor<1x$Sxi64>, tensor<i64>, tensor<i64>, tensor<$Hxi64>
  }

  // One round of the same.
  func.func public @step(%tokens: tensor<1x$Sxi64>, %n: tensor<i64>, %limit: tensor<i64>$EXTRA_PARAMETERS) -> (tensor<1x$Sxi64>, tensor<i64>, tensor<i64>, tensor<$Hxi64>) {
    %again = arith.constant false
    %0:4 = func.call @specplace.rounds(%tokens, %n, %limit, %again$EXTRA_ARGUMENTS) : (tensor<1x$Sxi64>, tensor<i64>, tensor<i64>, i1$EXTRA_TYPES) -> (tensor<1x$Sxi64>, tensor<i64>, tensor<i64>, tensor<$Hxi64>)
    return %0#0, %0#1, %0#2, %0#3 : tensor<1x$Sxi64>, tensor<i64>, tensor<i64>, tensor<$Hxi64>
  }

  func.func private @specplace.rounds(%tokens: tensor<1x$Sxi64>, %n: tensor<i64>, %limit: tensor<i64>, %again: i1$EXTRA_PARAMETERS) -> (tensor<1x$Sxi64>, tensor<i64>, tensor<i64>, tensor<$Hxi64>) {
    %c0 = arith.constant 0 : i64
    %c1 = arith.constant 1 : i64
    %full = arith.constant $S : i64
    %none = arith.constant dense<0> : tensor<$Hxi64>
    %start = tensor.extract %n[] : tensor<i64>
    %asked = tensor.extract %limit[] : tensor<i64>
    %end = arith.minsi %asked, %full : i64
    // Without a token before it there is nothing to continue.
    %begun = arith.cmpi sge, %start, %c1 : i64
    %room = arith.cmpi slt, %start, %end : i64
    %go = arith.andi %begun, %room : i1
?imposed    %forced:2 = func.call @specplace.impose(%reference, %acceptance, %mode) : (tensor<1x$Sxi64>, tensor<1x$Sxi64>, tensor<i64>) -> (tensor<1x$Sxi64>, tensor<1x$Sxi64>)
    %done:4 = scf.while (%more = %go, %row = %tokens, %at = %start, %rounds = %c0, %histogram = %none) : (i1, tensor<1x$Sxi64>, i64, i64, tensor<$Hxi64>) -> (tensor<1x$Sxi64>, i64, i64, tensor<$Hxi64>) {
      scf.condition(%more) %row, %at, %rounds, %histogram : tensor<1x$Sxi64>, i64, i64, tensor<$Hxi64>
    } do {
    ^bb0(%row: tensor<1x$Sxi64>, %at: i64, %rounds: i64, %histogram: tensor<$Hxi64>):
      // No draft beyond what the limit leaves room for: it could not be kept.
      %length = util.global.load @$DRAFT_LENGTH : tensor<i64>
      %gamma = tensor.extract %length[] : tensor<i64>
      %left = arith.subi %end, %at : i64
      %useful = arith.subi %left, %c1 : i64
      %drafts = arith.minsi %gamma, %useful : i64
      %wanted = arith.cmpi slt, %c0, %gamma : i64
      %fits = arith.cmpi slt, %c0, %useful : i64
      %draft = arith.andi %wanted, %fits : i1
      %before = arith.subi %at, %c1 : i64
      %drafted:2 = scf.while (%more = %draft, %with = %row, %count = %c0) : (i1, tensor<1x$Sxi64>, i64) -> (tensor<1x$Sxi64>, i64) {
        scf.condition(%more) %with, %count : tensor<1x$Sxi64>, i64
      } do {
      ^bb0(%with: tensor<1x$Sxi64>, %count: i64):
        %last = arith.addi %before, %count : i64
        %next = func.call @specplace.draft(%with, %last$FORCED_DRAFTS) : (tensor<1x$Sxi64>, i64$FORCED_TYPES) -> tensor<1x$Sxi64>
        %counted = arith.addi %count, %c1 : i64
        %more = arith.cmpi slt, %counted, %drafts : i64
        scf.yield %more, %next, %counted : i1, tensor<1x$Sxi64>, i64
      }

      // The target's tokens for the positions %at and on; at the end of the
      // row its window stands earlier, by %shift.
      %latest = arith.constant $LATEST : i64
      %window = arith.minsi %before, %latest : i64
      %shift = arith.subi %before, %window : i64
      %own = func.call @specplace.verify(%drafted#0, %window) : (tensor<1x$Sxi64>, i64) -> tensor<1x$Rxi64>
      %kept:3 = func.call @specplace.accept(%row, %drafted#0, %own, %at, %drafts, %shift, %histogram$FORCED_TARGETS) : (tensor<1x$Sxi64>, tensor<1x$Sxi64>, tensor<1x$Rxi64>, i64, i64, i64, tensor<$Hxi64>$FORCED_TYPES) -> (tensor<1x$Sxi64>, tensor<i64>, tensor<$Hxi64>)
      %verdict = tensor.extract %kept#1[] : tensor<i64>
      %accepted = arith.shrsi %verdict, %c1 : i64
      %made = arith.addi %accepted, %c1 : i64
      %now = arith.addi %at, %made : i64
      %round = arith.addi %rounds, %c1 : i64
      %open = arith.cmpi slt, %now, %end : i64
!eos      %on = arith.andi %open, %again : i1
?eos      %last_bit = arith.andi %verdict, %c1 : i64
?eos      %speaking = arith.cmpi eq, %last_bit, %c0 : i64
?eos      %unfinished = arith.andi %open, %speaking : i1
?eos      %on = arith.andi %unfinished, %again : i1
      scf.yield %on, %kept#0, %now, %round, %kept#2 : i1, tensor<1x$Sxi64>, i64, i64, tensor<$Hxi64>
    }
    %n_after = tensor.from_elements %done#1 : tensor<i64>
    %rounds_after = tensor.from_elements %done#2 : tensor<i64>
    return %done#0, %n_after, %rounds_after, %done#3 : tensor<1x$Sxi64>, tensor<i64>, tensor<i64>, tensor<$Hxi64>
  }

  // The row with the drafter's token behind position %last. That it is put
  // there on the drafter's device keeps the row from crossing at every draft.
  func.func private @specplace.draft(%row: tensor<1x$Sxi64>, %last: i64$FORCED_PARAMETERS) -> tensor<1x$Sxi64> {
    %c1 = arith.constant 1 : i64
    %c0 = arith.constant 0 : index
    %first = arith.index_cast %last : i64 to index
    %next = arith.addi %last, %c1 : i64
    %here = flow.tensor.transfer %row : tensor<1x$Sxi64> to #hal.device.promise<@drafter>
!drafter_i32    %logits = func.call @$DRAFTER_FORWARD(%here, %first) : (tensor<1x$Sxi64>, index) -> tensor<1x1x$Vx$DRAFTER_LOGIT>
?drafter_i32    %narrow = func.call @specplace.narrow(%here) : (tensor<1x$Sxi64>) -> tensor<1x$Sxi32>
?drafter_i32    %logits = func.call @$DRAFTER_FORWARD(%narrow, %first) : (tensor<1x$Sxi32>, index) -> tensor<1x1x$Vx$DRAFTER_LOGIT>
    %none = arith.constant dense<0> : tensor<1x1xi64>
    %lowest = arith.constant dense<$DRAFTER_LOWEST> : tensor<1x1x$DRAFTER_LOGIT>
    %picked:2 = linalg.generic {indexing_maps = [#logits, #picked, #picked], iterator_types = ["parallel", "parallel", "reduction"]} ins(%logits : tensor<1x1x$Vx$DRAFTER_LOGIT>) outs(%lowest, %none : tensor<1x1x$DRAFTER_LOGIT>, tensor<1x1xi64>) {
    ^bb0(%in: $DRAFTER_LOGIT, %best: $DRAFTER_LOGIT, %token: i64):
      %at = linalg.index 2 : index
      %candidate = arith.index_cast %at : index to i64
      %most = arith.maximumf %in, %best : $DRAFTER_LOGIT
      %better = arith.cmpf ogt, %in, %best : $DRAFTER_LOGIT
      %chosen = arith.select %better, %candidate, %token : i64
      linalg.yield %most, %chosen : $DRAFTER_LOGIT, i64
    } -> (tensor<1x1x$DRAFTER_LOGIT>, tensor<1x1xi64>)
    %space = tensor.empty() : tensor<1x$Sxi64>
!imposed    %with = linalg.generic {indexing_maps = [#row, #single, #row], iterator_types = ["parallel", "parallel"]} ins(%here, %picked#1 : tensor<1x$Sxi64>, tensor<1x1xi64>) outs(%space : tensor<1x$Sxi64>) {
!imposed    ^bb0(%in: i64, %token: i64, %out: i64):
?imposed    %with = linalg.generic {indexing_maps = [#row, #single, #row, #row], iterator_types = ["parallel", "parallel"]} ins(%here, %picked#1, %forced : tensor<1x$Sxi64>, tensor<1x1xi64>, tensor<1x$Sxi64>) outs(%space : tensor<1x$Sxi64>) {
?imposed    ^bb0(%in: i64, %drafted: i64, %imposed: i64, %out: i64):
?imposed      %nothing = arith.constant 0 : i64
?imposed      %is_imposed = arith.cmpi sge, %imposed, %nothing : i64
?imposed      %token = arith.select %is_imposed, %imposed, %drafted : i64
      %at = linalg.index 1 : index
      %position = arith.index_cast %at : index to i64
      %is_next = arith.cmpi eq, %position, %next : i64
      %kept = arith.select %is_next, %token, %in : i64
      linalg.yield %kept : i64
    } -> tensor<1x$Sxi64>
    return %with : tensor<1x$Sxi64>
  }

  // The target's tokens behind each of $R positions, from %window on.
  func.func private @specplace.verify(%row: tensor<1x$Sxi64>, %window: i64) -> tensor<1x$Rxi64> {
    %first = arith.index_cast %window : i64 to index
    %here = flow.tensor.transfer %row : tensor<1x$Sxi64> to #hal.device.promise<@target>
!target_i32    %logits = func.call @$TARGET_FORWARD(%here, %first) : (tensor<1x$Sxi64>, index) -> tensor<1x$Rx$Vx$TARGET_LOGIT>
?target_i32    %narrow = func.call @specplace.narrow(%here) : (tensor<1x$Sxi64>) -> tensor<1x$Sxi32>
?target_i32    %logits = func.call @$TARGET_FORWARD(%narrow, %first) : (tensor<1x$Sxi32>, index) -> tensor<1x$Rx$Vx$TARGET_LOGIT>
    %none = arith.constant dense<0> : tensor<1x$Rxi64>
    %lowest = arith.constant dense<$TARGET_LOWEST> : tensor<1x$Rx$TARGET_LOGIT>
    %picked:2 = linalg.generic {indexing_maps = [#logits, #picked, #picked], iterator_types = ["parallel", "parallel", "reduction"]} ins(%logits : tensor<1x$Rx$Vx$TARGET_LOGIT>) outs(%lowest, %none : tensor<1x$Rx$TARGET_LOGIT>, tensor<1x$Rxi64>) {
    ^bb0(%in: $TARGET_LOGIT, %best: $TARGET_LOGIT, %token: i64):
      %at = linalg.index 2 : index
      %candidate = arith.index_cast %at : index to i64
      %most = arith.maximumf %in, %best : $TARGET_LOGIT
      %better = arith.cmpf ogt, %in, %best : $TARGET_LOGIT
      %chosen = arith.select %better, %candidate, %token : i64
      linalg.yield %most, %chosen : $TARGET_LOGIT, i64
    } -> (tensor<1x$Rx$TARGET_LOGIT>, tensor<1x$Rxi64>)
    %tokens = flow.tensor.transfer %picked#1 : tensor<1x$Rxi64> to #hal.device.promise<@control>
    return %tokens : tensor<1x$Rxi64>
  }

  // What the target keeps of a draft: the row with it, the verdict (twice the
  // number of accepted drafts, and one more if an end-of-sequence token ends
  // them) and the histogram with it.
  func.func private @specplace.accept(%row: tensor<1x$Sxi64>, %drafted: tensor<1x$Sxi64>, %own: tensor<1x$Rxi64>, %at: i64, %drafts: i64, %shift: i64, %histogram: tensor<$Hxi64>$FORCED_PARAMETERS) -> (tensor<1x$Sxi64>, tensor<i64>, tensor<$Hxi64>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : i64
    %zero = arith.constant 0 : i64
    %going = arith.constant 9223372036854775807 : i64
    %last_own = arith.constant $LAST_OWN : i64
    %last_position = arith.constant $LAST_POSITION : i64
    %here = flow.tensor.transfer %drafted : tensor<1x$Sxi64> to #hal.device.promise<@control>

    // By draft: its verdict if the draft ends there.
    %places = tensor.empty() : tensor<$Hxi64>
    %ends = linalg.generic {indexing_maps = [#one], iterator_types = ["parallel"]} outs(%places : tensor<$Hxi64>) {
    ^bb0(%out: i64):
      %index = linalg.index 0 : index
      %number = arith.index_cast %index : index to i64
      %own_shifted = arith.addi %number, %shift : i64
      %own_inside = arith.minsi %own_shifted, %last_own : i64
      %own_at = arith.index_cast %own_inside : i64 to index
      %position_asked = arith.addi %at, %number : i64
      %position = arith.minsi %position_asked, %last_position : i64
      %draft_at = arith.index_cast %position : i64 to index
!imposed      %right = tensor.extract %own[%c0, %own_at] : tensor<1x$Rxi64>
?imposed      %decoded = tensor.extract %own[%c0, %own_at] : tensor<1x$Rxi64>
?imposed      %imposed = tensor.extract %forced[%c0, %draft_at] : tensor<1x$Sxi64>
?imposed      %is_imposed = arith.cmpi sge, %imposed, %zero : i64
?imposed      %right = arith.select %is_imposed, %imposed, %decoded : i64
      %guess = tensor.extract %here[%c0, %draft_at] : tensor<1x$Sxi64>
      %wrong = arith.cmpi ne, %right, %guess : i64
      %beyond = arith.cmpi sge, %number, %drafts : i64
      %rejected = arith.ori %wrong, %beyond : i1
      %twice = arith.addi %number, %number : i64
!eos      %verdict = arith.select %rejected, %twice, %going : i64
?eos$IS_EOS
?eos      %stops = arith.ori %rejected, %is_eos : i1
?eos      %bit = arith.extui %is_eos : i1 to i64
?eos      %marked = arith.addi %twice, %bit : i64
?eos      %verdict = arith.select %stops, %marked, %going : i64
      linalg.yield %verdict : i64
    } -> tensor<$Hxi64>
    %open = arith.constant dense<9223372036854775807> : tensor<i64>
    %verdict = linalg.generic {indexing_maps = [#one, #all], iterator_types = ["reduction"]} ins(%ends : tensor<$Hxi64>) outs(%open : tensor<i64>) {
    ^bb0(%in: i64, %out: i64):
      %earlier = arith.minsi %in, %out : i64
      linalg.yield %earlier : i64
    } -> tensor<i64>

    %space = tensor.empty() : tensor<1x$Sxi64>
!imposed    %kept = linalg.generic {indexing_maps = [#row, #none, #row], iterator_types = ["parallel", "parallel"]} ins(%row, %verdict : tensor<1x$Sxi64>, tensor<i64>) outs(%space : tensor<1x$Sxi64>) {
!imposed    ^bb0(%in: i64, %code: i64, %out: i64):
?imposed    %kept = linalg.generic {indexing_maps = [#row, #none, #row, #row], iterator_types = ["parallel", "parallel"]} ins(%row, %verdict, %forced : tensor<1x$Sxi64>, tensor<i64>, tensor<1x$Sxi64>) outs(%space : tensor<1x$Sxi64>) {
?imposed    ^bb0(%in: i64, %code: i64, %imposed: i64, %out: i64):
      %accepted = arith.shrsi %code, %c1 : i64
      %index = linalg.index 1 : index
      %position = arith.index_cast %index : index to i64
      %number = arith.subi %position, %at : i64
      %reached = arith.cmpi sge, %number, %zero : i64
      %within = arith.cmpi sle, %number, %accepted : i64
      %new = arith.andi %reached, %within : i1
      %own_shifted = arith.addi %number, %shift : i64
      %own_low = arith.maxsi %own_shifted, %zero : i64
      %own_inside = arith.minsi %own_low, %last_own : i64
      %own_at = arith.index_cast %own_inside : i64 to index
!imposed      %right = tensor.extract %own[%c0, %own_at] : tensor<1x$Rxi64>
?imposed      %decoded = tensor.extract %own[%c0, %own_at] : tensor<1x$Rxi64>
?imposed      %is_imposed = arith.cmpi sge, %imposed, %zero : i64
?imposed      %right = arith.select %is_imposed, %imposed, %decoded : i64
      %token = arith.select %new, %right, %in : i64
      linalg.yield %token : i64
    } -> tensor<1x$Sxi64>

    %counts = tensor.empty() : tensor<$Hxi64>
    %counted = linalg.generic {indexing_maps = [#one, #first, #one], iterator_types = ["parallel"]} ins(%histogram, %verdict : tensor<$Hxi64>, tensor<i64>) outs(%counts : tensor<$Hxi64>) {
    ^bb0(%in: i64, %code: i64, %out: i64):
      %accepted = arith.shrsi %code, %c1 : i64
      %index = linalg.index 0 : index
      %number = arith.index_cast %index : index to i64
      %same = arith.cmpi eq, %number, %accepted : i64
      %one = arith.extui %same : i1 to i64
      %count = arith.addi %in, %one : i64
      linalg.yield %count : i64
    } -> tensor<$Hxi64>
    return %kept, %verdict, %counted : tensor<1x$Sxi64>, tensor<i64>, tensor<$Hxi64>
  }
?narrow
?narrow  // Tokens as a model with i32 tokens takes them.
?narrow  func.func private @specplace.narrow(%row: tensor<1x$Sxi64>) -> tensor<1x$Sxi32> {
?narrow    %space = tensor.empty() : tensor<1x$Sxi32>
?narrow    %narrow = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]} ins(%row : tensor<1x$Sxi64>) outs(%space : tensor<1x$Sxi32>) {
?narrow    ^bb0(%in: i64, %out: i32):
?narrow      %token = arith.trunci %in : i64 to i32
?narrow      linalg.yield %token : i32
?narrow    } -> tensor<1x$Sxi32>
?narrow    return %narrow : tensor<1x$Sxi32>
?narrow  }
?imposed
?imposed  // Imposed acceptance: in a mode other than 0, position by position, the
?imposed  // drafter's token (the reference where its bit is set, another one where
?imposed  // not) and the target's (the reference). -1 leaves the model's own.
?imposed  func.func private @specplace.impose(%reference: tensor<1x$Sxi64>, %acceptance: tensor<1x$Sxi64>, %mode: tensor<i64>) -> (tensor<1x$Sxi64>, tensor<1x$Sxi64>) {
?imposed    %space = tensor.empty() : tensor<1x$Sxi64>
?imposed    %forced:2 = linalg.generic {indexing_maps = [#row, #row, #none, #row, #row], iterator_types = ["parallel", "parallel"]} ins(%reference, %acceptance, %mode : tensor<1x$Sxi64>, tensor<1x$Sxi64>, tensor<i64>) outs(%space, %space : tensor<1x$Sxi64>, tensor<1x$Sxi64>) {
?imposed    ^bb0(%token: i64, %bit: i64, %chosen: i64, %out: i64, %out_target: i64):
?imposed      %c0 = arith.constant 0 : i64
?imposed      %c1 = arith.constant 1 : i64
?imposed      %own = arith.constant -1 : i64
?imposed      %last = arith.constant $LAST_TOKEN : i64
?imposed      %low = arith.maxsi %token, %c0 : i64
?imposed      %right = arith.minsi %low, %last : i64
?imposed      // The neighbour in the vocabulary, so that it can be looked up.
?imposed      %up = arith.addi %right, %c1 : i64
?imposed      %over = arith.cmpi sgt, %up, %last : i64
?imposed      %other = arith.select %over, %c0, %up : i64
?imposed      %agreed = arith.cmpi ne, %bit, %c0 : i64
?imposed      %guess = arith.select %agreed, %right, %other : i64
?imposed      %imposing = arith.cmpi ne, %chosen, %c0 : i64
?imposed      %draft = arith.select %imposing, %guess, %own : i64
?imposed      %verdict = arith.select %imposing, %right, %own : i64
?imposed      linalg.yield %draft, %verdict : i64, i64
?imposed    } -> (tensor<1x$Sxi64>, tensor<1x$Sxi64>)
?imposed    return %forced#0, %forced#1 : tensor<1x$Sxi64>, tensor<1x$Sxi64>
?imposed  }
}
