"""Neural networks on the public interface of `autograd`."""
