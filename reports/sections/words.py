"""Axis labels, the captions under figures and the notes over tables: how to read them, what they do not say."""

D = "√KL to π_ref (nats)"
GOLD = "gold (sd above π_ref)"
PROXY = "proxy, calibrated (gold sd above π_ref)"

HERO = (
    "Gold (solid) and calibrated proxy (dashed) in gold standard deviations above π_ref, against d = √KL; KL in "
    "nats on the top axis. The full colour is the smallest β, paler ones are larger. From three replicates on: their "
    "mean, its pointwise 95% t band, and each as a thin line; else one replicate with ±1.96 se, clustered by prompt. "
    "World, SFT policy and gold are fixed."
)
CONTROLS = (
    "Optimising gold itself: neither gold nor the rubric should fall. Optimising a proxy fitted to permuted labels:"
    " what leaving π_ref alone does to gold. Gold solid, what was optimised dashed, rubric (in its own sd) dotted."
)
FRONTIER = (
    "Diamonds: gold at each KL budget by local-linear interpolation in d = √KL, with 95% intervals (t over three or "
    "more replicates, else clustered by prompt); of a method's settings, the one best on the select prompts. Dots: "
    "every evaluated policy. Best-of-n is dashed: it spends KL more thriftily than training does, and is not to be "
    "ranked against it at equal KL."
)
GOLD_AGAINST_PROXY = (
    "On the dotted diagonal a gain in proxy is a gain in gold. Bands: ±1.96 se, clustered by prompt. These are the "
    "axes on which training and best-of-n may be compared."
)
BEST_OF_N = (
    "Exact over the pool of samples of each prompt (no resampling), ties sharing their mass. The analytic KL is an "
    "upper bound where texts repeat; the measured one is left out where n exceeds an eighth of the pool. Right: the "
    "form d(a − b d) fitted to gold on n up to 64 (solid), and where that leads (dotted)."  # noqa: RUF001
)
COEFFICIENTS = (
    "Gold at the row chosen on the select prompts, and at the end of training; bars are ±1.96 se, of each "
    "setting's first replicate. Coefficients are evenly spaced, not to scale."
)
TOKENS = (
    "Tokens generated plus tokens passed through a loss, in one cell, pale where the coefficient is larger; what built "
    "the proxy and π_ref is not counted. Best-of-n trains nothing and spends its tokens at every request: its axis is "
    "another one."
)
PEAKS = (
    "The peak row is chosen on the select prompts and measured on the report prompts; ± is one standard error, "
    "clustered by prompt. After the KL, the range of the rows that 95% tests do not reject as the highest. The drop "
    "is peak minus end, paired by prompt, with its 95% interval. Hump: a rise, and a fall to the row nearest the last "
    "budget within π_ref's support (best-of-n: the largest n), each above 0.1 sd at the lower 97.5% limit; of several "
    "replicates, by their means and in most by themselves. Of what optimises a proxy its gain is asked too. The first "
    "replicate of each setting is shown; tables/peaks.csv has all."
)
BUDGETS = (
    "Local-linear interpolation in d = √KL over rows within a factor 1.5 in KL; ± is half of the 95% interval, t over "
    "three or more replicates where that many reach the budget, else of the first one, clustered by prompt. A dash: "
    "no rows on both sides. tables/budgets.csv has every replicate."
)
CLAIMS = (
    "Declared in the suite before it ran. Each claim asks for one or more inequalities; after each number, its 95% "
    "interval. p is one-sided: the largest of the inequalities' for a claim that holds, the smallest times their "
    "number for one that fails. A verdict needs p under 0.025 after Holm's correction over all claims; else it is "
    "undecided. From three replicates on intervals are t over replicates, on the same prompts; world, SFT policy and "
    "gold are fixed."
)
GATES = (
    "Without headroom every method can only fall and a hump is an artefact; without a gold that knows the rubric, "
    "gold's fall means nothing."
)
FITS = (
    "Forms of Gao et al. (2022), fitted by least squares to the rows of each setting's first replicate; brackets "
    "are 95% intervals over resampled prompts, in which an error of the form has no part. d* and gold there are "
    "null unless the form turns among the rows. Left out: rmse on a replicate of the form fitted to the others. "
    "Gamma (Kim et al. 2025): the area between gold and proxy over the area under gold, up to the d that every "
    "best-of-n curve reaches."
)
PREDICTIONS = "The same form, fitted on small n only. Brackets: 95% over resampled prompts, paired."
MATCHED = (
    "Gold of each method minus the first one's at the same KL, each with its smallest coefficient, paired by "
    "prompt; ± is half of the 95% interval, t over three or more shared replicates, else given the first one. Not "
    "corrected for their number. Best-of-n is left out: it is not to be ranked against training at equal KL."
)
JUDGES = (
    "Users hold the plain sum of the rubric's parts; writers of the preferences hold the weighted sum that gold was "
    "taught ({weights}; 1 where not named); gold is the model that learned it. Each is in its own sd above π_ref: what "
    "compares is where judges peak, not how high. A line a judge, of each method's smallest coefficient: from three "
    "replicates on their mean, its pointwise 95% t band, and each as a thin line; else one replicate with ±1.96 se, "
    "clustered by prompt. Diamonds: the row best on the select prompts, and its value on the report prompts with a 95% "
    "interval; open where some replicate's curve does not go on beyond it."
)
JUDGE_PEAKS = (
    "Rows are chosen on the select prompts and measured on the report prompts; brackets are 95% intervals: from three "
    "replicates on t over them, else of the first one, over prompts (of d*: the rows not rejected as the highest). "
    "Drop: peak minus last row, paired by prompt. At the edge: no later row lies at 1.25 d* or beyond. Best-of-n is "
    "left out: its pool is stored without the rubric's parts, and a few single picks cannot choose a row. "
    "tables/judge_peaks.csv has each replicate."
)
DISAGREEMENT = (
    "Of pairs of responses of one policy to one prompt that both judges tell apart, the share that they order "
    "differently (half, for judges that have nothing in common), and r, their correlation within policy and prompt. "
    "Policies of all replicates and coefficients of a method, report prompts, by KL in nats; ± is half of the 95% "
    "interval over resampled prompts, which does not cover replicates. Best-of-n has one stored pick a prompt, so no "
    "pairs."
)
PARTS = (
    "Each part of the rubric above π_ref's mean on the same prompts, in the rubric's sd, so that the parts of a "
    "policy add up to its rubric. One line a method: its smallest coefficient, first replicate."
)
TRAINING = (
    "From each cell's log, first replicates, thinned by averaging neighbouring steps; pale where the coefficient is "
    "larger. KL here is the monitor's, a few samples a look: rows are measured afterwards, on fresh ones."
)
PROXIES = (
    "On held-out pairs, beside what gold itself would reach on the same noisy labels. c multiplies raw scores so "
    "that the cross-entropy is least; a proxy of permuted labels is given gold's spread instead."
)
LABELS = (
    "Against gold's order: the share of labels that name the response that gold scores lower. Bradley-Terry labels "
    "are noisy by construction."
)
LEDGER = (
    "Every number that the sentences at the top rest on. From and to are the rows that a difference lies between, "
    "those of the first replicate where there are several; over replicates each has its own. The verdict is on rise "
    "and fall, and on the proxy's gain where the proxy is what is optimised."
)
COMPARED = (
    "The runs overlaid, told apart by how their lines are dashed; the full colour is the smallest β, paler ones are "
    "larger. From three replicates on: their mean and its pointwise 95% t band; else the first replicate with ±1.96 "
    "se."
)
DIFFERENCES = (
    "Gold of a run minus the first run's at the same KL, for settings that both have, replicates taken in pairs and "
    "prompts paired; ± is half of the 95% interval, t over three or more replicates, else given the first one. Not "
    "corrected for their number."
)
RUNS = "A stage's key stands for its config, inputs, code and library versions."
DIFFERS = "Keys whose values differ between the class defaults, the installed suite of this name and this run."
DIFFERS_OWN = "Keys whose values differ from the class defaults; no installed suite has this name."
BETWEEN = "Keys whose values are not the same in every run."
STAGES = (
    "Seconds of work when the stage was made, {total:.0f} in all over workers; the key names its folder in the store."
)

MONITORED_D = "√KL to π_ref, monitored (nats)"
ACCURACY_AXIS = "held-out pairs ordered rightly"
FAMILY = (
    "Every loss on the same stored pairs. Left: dots are every evaluated policy at every β, the line is the smallest β "
    "(the mean over replicates where there are three). Right: the last policy of each β, first replicates, joined in "
    "the order of β; bars are ±1.96 se. Near π_ref all losses have parallel gradients: that curves coincide there is "
    "no finding."
)
PARTING = (
    "Each loss beside the first one, at the smallest β of both grids and at the middle ones: how far the margins "
    "(chosen over rejected) of the same ten batches differ, relative to their size, against the largest KL either cell "
    "was seen at. Near 0 the two losses train the same policy, step for step; past the dotted line they have parted."
)
EQUIVALENCE = (
    "Gold of each loss minus the first one's at the same KL, both at the β of the same rank in their grids; ± is half "
    "of the 95% interval, t over three or more shared replicates, else given the first one, by prompt. Last column: an "
    "equivalence test over the budgets past the KL at which the paths part (first replicates' logs); the smallest β's "
    "paths may never part. Not corrected for their number."
)
STRENGTHS = (
    "Left: gold at the end of training on report prompts, the mean over replicates, ±1.96 se by prompt. Middle: the "
    "same over β |f''(0)/f'(0)|. Right: the best β, a parabola's vertex in log β by select prompts, with its 95% "
    "interval over resampled prompts; losses of equal curvature are drawn a little apart. Of the expansion f(0) + "
    "f'(0) β E[ρ] + f''(0)/2 β² E[ρ²] the third term over the second goes with β |f''(0)/f'(0)|, so losses agree to "  # noqa: RUF001
    "second order where that does, and the best β should be inversely proportional to |f''(0)/f'(0)|. Of the hinge, "
    "which has no curvature, this says nothing."
)
BEST_BETAS = (
    "By gold on the select prompts at the end of training: the best of the strengths that were run, and the vertex of "
    "the parabola through it and its neighbours in log β, with 95% intervals over resampled prompts, given the "
    "replicates. A dash: best at an end of the grid."
)
TAYLOR = (
    "The two first terms of E f(βρ) around π_ref, from training batches, thinned: what pulls towards the chosen "
    "responses, and what holds the policy near the data. The smallest β solid, the best of those run dashed; first "
    "replicates. A loss without curvature at 0 (the hinge) has no second term."
)
LOGRATIOS = (
    "Mean log-ratio to π_ref of held-out chosen and rejected responses, at every evaluated policy of the smallest β, "
    "first replicates. Contrastive losses raise the difference; that the chosen response itself may fall is no error."
)
SPECTRUM = (
    "Each method at its smallest β, from pairs stored before training (never refreshed) to pairs drawn at every step. "
    "Gold labels the stored ones; grey lines join methods of one loss, dashed where gold labels the fresh pairs too. "
    "Local-linear interpolation in √KL, as claims read it; bars are 95% intervals, t over three or more replicates, "
    "else of the first one, by prompt. Methods at one place stand side by side; one that does not pass a budget in "
    "every replicate is left out there."
)
GAINS = (
    "Gold minus that of the offline method with the same loss, at the same KL, smallest β of both, paired by prompt; ± "
    "is half of the 95% interval, t over three or more shared replicates, else given the first one. Not corrected for "
    "their number."
)
SAMPLERS = (
    "Each method at its smallest β, a panel a loss: stored pairs dashed, replays dotted, pairs of the policy itself "
    "solid. From three replicates on their mean, else the first one. Intervals are in the tables. Methods that imitate "
    "are drawn beside every loss. Shaded: beyond π_ref's entropy, outside its support."
)
REPLAY = (
    "A run on its own pairs, the same pairs given to another policy from the same start, in the order they were drawn "
    "(the same run again: it lies on its source) and shuffled, and stored pairs of π_ref. First replicates; each row "
    "is measured on fresh samples of its own, so equal policies differ by that noise."
)
ACCURACY = (
    "Accuracy of the implicit reward on held-out pairs of π_ref's samples, as gold labels them, against gold of what "
    "the policy writes; smallest β. Left: every evaluated policy of the first replicate. Right: at equal KL, the mean "
    "over replicates; bars are 95% intervals of gold."
)
COVERAGE = (
    "Smallest β, first replicates. Left: the share of four-word phrases in a policy's report samples that some sample "
    "of π_ref in this run has too, to any prompt (π_ref's own, against its other samples, at d = 0); bands are ±1.96 "
    "se by prompt. Right: KL from π_ref to the policy, estimated as minus the mean log-ratio of held-out pairs' "
    "responses, which are π_ref's samples, against KL from the policy to π_ref; above the diagonal the policy has "
    "dropped what the data hold rather than found what they lack."
)
