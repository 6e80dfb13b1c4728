namespace Slipway;

/// <summary>An owner came too late: its lease has expired, or somebody else has it now. What it wanted to write is dropped.</summary>
/// <param name="lease">The lease that is not held any more.</param>
public sealed class LeaseLostException(Lease lease)
    : SlipwayException(
        ErrorClass.Transient,
        $"'{(lease ?? throw new ArgumentNullException(nameof(lease))).Name}' does not belong to {lease.Owner} any more; what it wrote too late is dropped."
    );
