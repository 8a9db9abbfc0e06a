"""Learns the hyper-parameters of the arc kernel by marginal likelihood, through GPyTorch."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from nasturtium.errors import ConfigError
from nasturtium.predictor.arc import ArcEmbedding, ArcKernel
from nasturtium.seeds import rng_for

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own use of torch.jit
        import gpytorch
except ModuleNotFoundError as error:
    install = 'pip install "nasturtium[bo]"'
    raise ConfigError(f"the arc kernel is learnt by GPyTorch ({error}); say: {install}") from error

LEAST_NOISE = 1e-5  # of values scaled to a standard deviation of 1


class ArcModel(gpytorch.models.ExactGP):  # type: ignore[misc]  # gpytorch is untyped
    """Constant mean, Matern 5/2 on the embedding, and omega and rho as parameters.

    Args:
        coordinates: Of the examples, [n, columns].
        values: Of the examples, [n].
        embedding: Of the space.
    """

    def __init__(self, coordinates: Tensor, values: Tensor, embedding: ArcEmbedding) -> None:
        likelihood = gpytorch.likelihoods.GaussianLikelihood(
            noise_constraint=gpytorch.constraints.GreaterThan(LEAST_NOISE)
        )
        super().__init__(coordinates, values, likelihood)
        self.embedding = embedding
        self.mean_module = gpytorch.means.ConstantMean()
        matern = gpytorch.kernels.MaternKernel(nu=2.5)
        matern.lengthscale = 1.0  # omega scales the coordinates already
        matern.raw_lengthscale.requires_grad_(False)
        self.covar_module = gpytorch.kernels.ScaleKernel(matern)
        # With all decisions at their prior weight, two random architectures are about one length apart.
        self.typical = -0.5 * math.log(max(embedding.size, 1))
        self.log_omega = nn.Parameter(torch.full((embedding.size,), self.typical))
        self.logit_rho = nn.Parameter(torch.zeros(embedding.size))
        self.double()
        likelihood.noise = 0.01
        self.covar_module.outputscale = 1.0

    def forward(self, coordinates: Tensor) -> gpytorch.distributions.MultivariateNormal:
        """Returns the prior over the values of architectures, given as coordinates [n, columns]."""
        placed = self.embedding.embed(coordinates, self.log_omega.exp(), self.logit_rho.sigmoid(), torch)
        return gpytorch.distributions.MultivariateNormal(
            self.mean_module(coordinates), self.covar_module(placed)
        )

    def log_prior(self) -> Tensor:
        """Returns the logarithm of the prior density of the hyper-parameters, a constant aside."""
        scale, noise = self.covar_module.outputscale.log(), self.likelihood.noise.log()
        density: Tensor = -0.5 * (
            (self.log_omega - self.typical).square().sum()
            + (self.logit_rho / 2).square().sum()
            + scale.square()
            + ((noise - math.log(0.01)) / 2).square().sum()
        )
        return density

    def kernel(self) -> ArcKernel:
        """Returns the hyper-parameters as they are now."""
        return ArcKernel(
            self.log_omega.detach().exp().numpy().copy(),
            self.logit_rho.detach().sigmoid().numpy().copy(),
            float(self.covar_module.outputscale),
            float(self.likelihood.noise),
            float(self.mean_module.constant),
        )


def learnt(
    embedding: ArcEmbedding,
    coordinates: NDArray[np.float64],
    values: NDArray[np.float64],
    *,
    seed: int,
    steps: int,
    starts: int,
) -> ArcKernel:
    """Returns the hyper-parameters of the largest marginal likelihood times prior that was found.

    Args:
        embedding: Of the space.
        coordinates: Of the examples, [n, columns].
        values: Of mean 0 and standard deviation 1, [n].
        seed: Draws the starts beyond the first.
        steps: Iterations of L-BFGS for one start.
        starts: Starts; the first is the mode of the priors.
    """
    found: list[tuple[float, int, ArcKernel]] = []
    for start in range(starts):
        model = ArcModel(torch.from_numpy(coordinates), torch.from_numpy(values), embedding)
        if start:
            rng = rng_for(seed, "arc gp", start)
            with torch.no_grad():
                model.log_omega.add_(torch.from_numpy(rng.normal(size=embedding.size)))
                model.logit_rho.add_(torch.from_numpy(2 * rng.normal(size=embedding.size)))
        with exact():
            found.append((maximise(model, steps), start, model.kernel()))
    return min(found, key=lambda one: one[:2])[2]


@contextmanager
def exact() -> Iterator[None]:
    """Has gpytorch compute by Cholesky decomposition, which draws no random numbers, and say nothing."""
    with ExitStack() as stack:
        stack.enter_context(gpytorch.settings.fast_computations(False, False, False))
        stack.enter_context(gpytorch.settings.max_cholesky_size(1_000_000))
        stack.enter_context(gpytorch.settings.debug(False))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # a jitter of 1e-8 on the diagonal is no news
        yield


def maximise(model: ArcModel, steps: int) -> float:
    """Moves hyper-parameters to the largest marginal likelihood times prior; returns minus its logarithm."""
    free = [parameter for parameter in model.parameters() if parameter.requires_grad]
    likelihood = gpytorch.mlls.ExactMarginalLogLikelihood(model.likelihood, model)
    count = len(model.train_targets)

    def loss(vector: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        vector_to_parameters(torch.from_numpy(vector.copy()), free)  # scipy writes into its own
        model.zero_grad()
        # gpytorch divides the likelihood by the number of examples.
        value = -count * likelihood(model(*model.train_inputs), model.train_targets) - model.log_prior()
        value.backward()
        gradient = parameters_to_vector([p.grad if p.grad is not None else torch.zeros_like(p) for p in free])
        return float(value), gradient.numpy()

    model.train()
    start = parameters_to_vector(free).detach().numpy().copy()
    bounds = [(-15.0, 15.0)] * len(start)  # all are logarithms or of the order of 1
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": steps})
    vector_to_parameters(torch.from_numpy(found.x), free)
    return float(found.fun)
