"""The columns of a program's table: one row a stage (a layer with its pooling and its activation).

Offsets are in floats. A buffer holds one plane of [units, 8 images] after the other; `*_PLANE` is the distance of
two planes, `*_GROUP` that of two groups of four planes, 0 where all groups of a batch share the buffer.
"""

(
    DENSE,  # 1: every weight is there, 0: a list of the weights that are left
    POOLED,  # 1: the largest of each 2x2 window goes on
    ROWS,  # outputs (channels or units) that are computed
    PLACES,  # positions of an output, after pooling
    INPUTS,  # dense: weights of an output
    WEIGHT,  # dense: place of the first weight in theta
    PITCH,  # dense: distance of two outputs' weights
    ROW,  # place of the first output in the tables of rows
    REACH,  # dense: place of the first input offset in `reach`
    PLACE,  # place of the first position in `places`
    STEP1,  # distance from the first to the second vector of four: the window's, or three other planes'
    STEP2,
    STEP3,
    IN,
    IN_PLANE,
    IN_GROUP,
    IN_SLOPE,  # gradient of the input, of the same strides; -1 where none is needed
    OUT,  # values that the next stage reads
    OUT_PLANE,
    OUT_GROUP,
    OUT_SLOPE,  # their gradient, later that of the sums
    SUM,  # sums before the activation, where the window is largest
    SUM_PLANE,
    WINNER,  # which of the window's four it was, as a float
    OPERATOR,
    FUSED_KIND,  # 1: the operator rises wherever its scales agree in sign; 2: srelu; 0: other
    PER_CHANNEL,  # scales differ between channels
    AFTER_POOL,  # the activation comes after the pooling
    SIZE,  # floats of the input's gradient to be zeroed, a plane
    COLUMNS,
) = range(30)
