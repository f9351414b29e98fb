import { answerWith, type Wrap } from '../middlewares/handler.ts';
import type { Decision } from '../policy.ts';
import { refusal } from '../route-request.ts';
import { settledPlan } from './settled-plan.ts';

/** Holds a call back until its plan lets it through; `settle` learns what was decided in the end. */
export function planGate(decision: Decision, settle: (decision: Decision) => void): Wrap {
  return (next) => (call, sink) => {
    const controller = new AbortController();
    call.atEnd(() => controller.abort());
    void settledPlan(decision, controller.signal).then((settled) => {
      if (call.over) return;
      settle(settled);
      if (settled.allowed) next(call, sink);
      else answerWith(sink, refusal(settled));
    });
  };
}
