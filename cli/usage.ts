/** The usage line of a help text, kept to one line. */
import type { Usage, UsageTerm } from "@optique/core/usage";

/** As many optional options are named in the usage line; of more the list below it tells. */
const NAMED_OPTIONS = 3;

const OPTIONS: UsageTerm = { type: "optional", terms: [{ type: "literal", value: "OPTION..." }] };

function hasOnlyOptions(term: UsageTerm): boolean {
  switch (term.type) {
    case "option":
      return true;
    case "optional":
    case "multiple":
      return term.terms.every(hasOnlyOptions);
    case "exclusive":
      return term.terms.every((branch) => branch.every(hasOnlyOptions));
    default:
      return false;
  }
}

function isOptionalOption(term: UsageTerm): boolean {
  if (term.type === "multiple" && term.min > 0) return false;
  return term.type !== "option" && term.type !== "exclusive" && hasOnlyOptions(term);
}

/** A usage in which many optional options are one word. */
export function shortUsage(usage: Usage): Usage {
  const options = usage.filter(isOptionalOption);
  if (options.length <= NAMED_OPTIONS) return usage;
  return [OPTIONS, ...usage.filter((term) => !isOptionalOption(term))];
}
