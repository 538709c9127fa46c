"""The columns of a program's table: one row a stage (a layer with its pooling and its activation).

Offsets are in floats. A buffer holds one plane of [units, 8 images] after the other; `*_PLANE` is the distance of
two planes, `*_GROUP` that of two groups of four planes, 0 where all groups of a batch share the buffer.
"""

(
    DENSE,  # 1: every weight is there; 0: a list of the weights that are left
    POOLED,  # 1: the largest of each 2x2 window goes on
    ROWS,  # outputs (channels or units) that are computed
    CONSTANTS,  # outputs that are the same for every image; their rows follow
    PLACES,  # positions of an output, after pooling
    INPUTS,  # dense: weights of an output
    WEIGHT,  # dense: place of the first weight in theta
    PITCH,  # dense: distance of two outputs' weights
    ROW,  # place of the first output in the tables of rows
    REACH,  # dense: place of the first input offset in `reach`
    PLACE,  # place of the first position in `places`
    READ,  # dense: place of the first entry in `reads` and `slopes`
    STEP1,  # distance from the first to the second vector of four: the window's, or the planes'
    STEP2,
    STEP3,
    IN,  # values of the stage before
    IN_PLANE,
    IN_GROUP,
    IN_SLOPE,  # their gradient, of the same strides; -1 where none is needed
    IN_SIZE,  # floats a plane
    OUT,  # values that the next stage reads
    OUT_PLANE,
    OUT_GROUP,
    OUT_SLOPE,  # their gradient, turned in place into that of the sums
    SUM,  # sums before the activation; of a window the one that goes on
    WINNER,  # which of the window's four it was, as a float
    SUM_PLANE,
    OPERATOR,  # -1: none
    RISING,  # 1: rises where alpha and beta agree in sign; 2: where both outer slopes are positive; 0: does not
    PER_CHANNEL,  # 1: scales differ between channels
    AFTER_POOL,  # 1: the activation comes after the pooling
    COLUMNS,
) = range(32)
