"""Words of other tools, and the names that they have here: for questions about unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

_HERE: Mapping[str, str] = {
    # Ranges
    "low": "min minimum lower lower_bound lowerbound min_value minval from start begin bottom",
    "high": "max maximum upper upper_bound upperbound max_value maxval to end stop top",
    "hard_low": "hard_min lower_limit min_limit limit_low absolute_min",
    "hard_high": "hard_max upper_limit max_limit limit_high absolute_max",
    "scale": "log log_scale logscale sampling distribution dist prior spacing transform",
    "guess": "prior_mean initial_guess default default_value initial_value init_value init_val x0 center",
    "integer": "int is_int is_integer dtype type step q discrete quantize",
    "choices": "values options categories categorical levels candidates list grid enum one_of",
    # Specs
    "name": "title label study study_name experiment",
    "dataset": "data train data_set training_data train_data",
    "model": "network net architecture estimator",
    "space": "params parameters hyperparameters search_space param_space domain parameter_space "
    "param_grid param_distributions config_space ranges",
    "rounds": "n_rounds num_rounds iterations n_iter generations",
    "trials_per_round": "trials n_trials num_trials max_trials num_samples trials_in_round "
    "population population_size",
    "epochs": "n_epochs num_epochs max_epochs epoch",
    "validation_fraction": "val_fraction validation_split val_split validation_size val_size "
    "test_size holdout",
    "validation": "cv cross_validation folds n_folds n_splits",
    "objective": "metric scoring metrics goal target monitor loss",
    "sampler": "search_alg algorithm tuner suggester",
    "stop_early": "early_stopping early_stop patience",
    "max_seconds": "timeout time_limit max_time time_budget walltime",
    "warm_start": "points_to_evaluate enqueue initial_points evaluated",
    "finalists": "repeats replicates",
    "final": "final_test test retrain refit",
    "seed": "random_state random_seed rng",
    "first": "min_epochs min_resource min_budget grace_period",
    "last": "max_resource max_budget",
    # Hyperparameters
    "learning_rate": "lr eta alpha step_size learning_rate_init eta0",
    "weight_decay": "wd l2 decay lambda l2_regularization l2_penalty regularization",
    "batch_size": "batch bs minibatch minibatch_size batchsize",
    "hidden_units": "units neurons n_units num_units width hidden_size hidden_dim",
    "hidden_layers": "n_layers num_layers depth layers",
    "hidden_sizes": "hidden_layer_sizes layer_sizes",
    "activation": "nonlinearity act act_fn activation_function",
    "optimizer": "opt optim solver optimiser",
    "initializer": "init weight_init kernel_initializer initialization",
    "schedule": "scheduler lr_scheduler lr_schedule learning_rate_schedule",
    "clip_norm": "clip gradient_clip grad_clip clipnorm max_norm max_grad_norm gradient_clipping",
    "batch_norm": "batchnorm bn normalization",
    "dropout": "drop dropout_rate drop_rate keep_prob",
    "beta1": "betas beta_1 b1",
    "beta2": "betas beta_2 b2",
    "eps": "epsilon",
    "class_weight": "class_weights",
    # Values
    "linear": "uniform lin none identity",
    "log_loss": "logloss neg_log_loss cross_entropy crossentropy nll loss",
    "accuracy": "acc top1",
    "balanced_accuracy": "bacc",
    "macro_f1": "f1_macro",
    "f1": "f1_score f_score fscore",
    "roc_auc": "auc auroc rocauc roc_auc_score",
    "average_precision": "pr_auc prauc auprc aucpr ap",
    "brier": "brier_score",
    "rmse": "root_mean_squared_error",
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "r2": "r2_score rsquared r_squared",
    "squared_error": "mse l2 mean_squared_error",
    "huber": "smooth_l1 huber_loss",
    "sigmoid": "logistic",
    "external": "custom callable",
    "sobol": "qmc quasi_random",
    "gp": "bayesian bayes gaussian_process bo",
    # Settings
    "data_url": "data_dir data_path data",
    "home": "dir directory folder data_home root path",
    "api_key": "key token apikey",
    "url": "address server endpoint",
}  # fmt: skip
_PAIRS = [(word, name) for name, words in _HERE.items() for word in words.split()]


def intended(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` stands for: in another tool, or but for a slip of the pen."""
    plain = word.lower().replace("-", "_")
    names = {name.lower(): name for name in known}
    for name in (plain, *(name for other, name in _PAIRS if other == plain)):
        if name in names:
            return names[name]
    close = difflib.get_close_matches(plain, names, n=1, cutoff=0.7)
    return names[close[0]] if close else None
