//! Owns how very many of a thing are made: a few hundred at a time. Does not know what is made.

use tokio::task::JoinSet;

use crate::Result;

/// How many are made at once.
const AT_ONCE: usize = 256;

/// Makes each of so many, by its number; what is made comes in no order.
pub async fn make<T, F>(count: usize, one: impl Fn(usize) -> F + Clone + Send + 'static) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send,
{
    let (mut making, mut made) = (JoinSet::new(), Vec::with_capacity(count));
    for first in 0..AT_ONCE {
        let one = one.clone();
        making.spawn(async move {
            let mut made = Vec::with_capacity(count / AT_ONCE + 1);
            for number in (first..count).step_by(AT_ONCE) {
                made.push(one(number).await?);
            }
            Result::Ok(made)
        });
    }
    while let Some(some) = making.join_next().await {
        made.extend(some??);
    }
    Ok(made)
}
