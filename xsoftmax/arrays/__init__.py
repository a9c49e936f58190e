"""All that knows array libraries, devices, memory and threads; no mathematics of any model.

Other rooms receive arrays, ask ``namespace`` for their functions once, and write Array API code.
"""

from array_api_compat import device

from .backends import Backend, backend, report
from .compiling import compiled, compiles_every_shape, map_leaves, without_compiling
from .devices import (
    describe_array,
    megabytes,
    on_accelerator,
    on_device_of,
    on_its_device,
    same_place,
    where,
)
from .factorizations import cholesky, eigh, inverse
from .memory import (
    BLOCK_VALUES,
    LONG_ROW,
    block_values,
    is_out_of_memory,
    keep_released_memory,
    near_values,
    retry_on_out_of_memory,
    row_slices,
    values_there,
)
from .namespaces import (
    LIBRARIES,
    Array,
    comparable,
    compute_dtype,
    has_float64,
    index_dtype,
    is_array,
    is_numpy,
    is_traced,
    library,
    namespace,
    put,
    records_history,
    scaled,
    take_labels,
    vecdot,
    without_history,
)
from .threads import computed_once, threads_that_pay
from .transfers import from_host, indices_from_host, to_host, to_list

__all__ = [
    "BLOCK_VALUES",
    "LIBRARIES",
    "LONG_ROW",
    "Array",
    "Backend",
    "backend",
    "block_values",
    "cholesky",
    "comparable",
    "compiled",
    "compiles_every_shape",
    "compute_dtype",
    "computed_once",
    "describe_array",
    "device",
    "eigh",
    "from_host",
    "has_float64",
    "index_dtype",
    "indices_from_host",
    "inverse",
    "is_array",
    "is_numpy",
    "is_out_of_memory",
    "is_traced",
    "keep_released_memory",
    "library",
    "map_leaves",
    "megabytes",
    "namespace",
    "near_values",
    "on_accelerator",
    "on_device_of",
    "on_its_device",
    "put",
    "records_history",
    "report",
    "retry_on_out_of_memory",
    "row_slices",
    "same_place",
    "scaled",
    "take_labels",
    "threads_that_pay",
    "to_host",
    "to_list",
    "values_there",
    "vecdot",
    "where",
    "without_compiling",
    "without_history",
]
